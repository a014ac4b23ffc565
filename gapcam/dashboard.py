"""`python -m gapcam.dashboard`: a W&B workspace and a report for the runs of a project.

With a login both are saved and their addresses printed. `--to FILE` writes their definition
instead, without network.
"""

import argparse
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from gapcam.atomic import write_text
from gapcam.errors import UserError

_NAME = re.compile(r"[\w./-]+")

_SECONDS = 20
"""To wait for W&B's server."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status."""
    options = parse(arguments)
    try:
        if options.experiment is not None and not _NAME.fullmatch(options.experiment):
            raise UserError(
                "--experiment must be the group that runs have on W&B: letters, digits and any of "
                f"_ . - /; got {options.experiment!r}"
            )
        if options.to is not None:
            write(options.entity or "", options.project, options.experiment, options.to)
        else:
            save(options.entity, options.project, options.experiment)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m gapcam.dashboard", description=__doc__)
    parser.add_argument("--entity", help="user or team on W&B; the default one of the login")
    parser.add_argument("--project", default="gapcam", help="of the runs (%(default)s)")
    parser.add_argument("--experiment", help="show its runs alone; all are grouped by experiment")
    parser.add_argument("--to", type=Path, metavar="FILE", help="write the definition as JSON")
    return parser.parse_args(arguments)


def write(entity: str, project: str, experiment: str | None, path: Path) -> None:
    """Write the definition of workspace and report to a file.

    Raises:
        UserError: if the library is missing or the file cannot be written.
    """
    definition = _definition()
    parts = (entity, project, experiment)
    text = definition.as_json(definition.make_workspace(*parts), definition.make_report(*parts))
    try:
        write_text(path, text)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Give another --to") from error
    print(f"wrote {path}. To save it on W&B: wandb login, then the same command without --to.")


def save(entity: str | None, project: str, experiment: str | None) -> None:
    """Save workspace and report on W&B and print their addresses.

    Raises:
        UserError: if the library or the login is missing, or W&B has no such project.
    """
    definition = _definition()
    import wandb

    try:
        entity = _owner(wandb.Api(timeout=_SECONDS), entity, project)
        parts = (entity, project, experiment)
        workspace = definition.make_workspace(*parts).save()
        report = definition.make_report(*parts).save()
    except wandb.errors.UsageError as error:
        raise UserError(
            "There is no login to W&B. Log in with: wandb login. Or write the definition to a "
            "file, without network: --to dashboard.json"
        ) from error
    except (wandb.Error, OSError) as error:
        raise UserError(
            f"W&B did not answer, or refused: {str(error).rstrip('.')}. Check the network and the "
            "login (wandb login), or write the definition to a file: --to dashboard.json"
        ) from error
    print(f"workspace  {workspace.url}\nreport     {report.url}")


def _owner(api: Any, entity: str | None, project: str) -> str:
    """The entity that has the project.

    Raises:
        UserError: if it does not.
    """
    owner = entity or api.default_entity
    if not owner:
        raise UserError("This login has no default entity; give --entity USER_OR_TEAM")
    try:
        names = sorted(one.name for one in api.projects(owner))
    except ValueError as error:
        raise UserError(f"W&B knows no entity {owner!r}: {error}. Give another --entity") from error
    if project not in names:
        raise UserError(
            f"{owner} has no W&B project {project!r}; there is {', '.join(names) or 'none'}. Give "
            "another --project or --entity, or send a run first: logger=wandb, or wandb sync."
        )
    return str(owner)


def _definition() -> ModuleType:
    try:
        with warnings.catch_warnings():
            # The library uses names that its own dependency calls old.
            warnings.simplefilter("ignore", DeprecationWarning)
            from gapcam import dashboard_definition
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("wandb_workspaces", "wandb"):
            raise
        raise UserError(
            "The dashboard needs W&B's library wandb-workspaces: pip install 'gapcam[dashboard]'"
        ) from error
    return dashboard_definition


if __name__ == "__main__":
    sys.exit(main())
