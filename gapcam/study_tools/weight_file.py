"""Which weights a study was of: another file may take the place of theirs, under the same name."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gapcam.errors import UserError
from gapcam.run_directory import RunDirectory

DIGEST = "weights_sha256"
"""Where `metrics.json` has it."""


def digest_of_weights(config: Mapping[str, Any]) -> str | None:
    """SHA-256 of the checkpoint or weight file; None where there is no such file.

    Weights that somebody hosts are of one kind for ever, and those of a finished study may be gone.

    Args:
        config: plain configuration.
    """
    path = Path(_named(config)).expanduser()
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_same_weights(directory: RunDirectory) -> None:
    """Refuse to take a finished study's result for that of other weights.

    Raises:
        UserError: if the file was changed since.
    """
    stored, found = directory.metrics().get(DIGEST), digest_of_weights(directory.config)
    if None not in (stored, found) and stored != found:
        raise UserError(
            f"{directory.path} holds the study of another {_named(directory.config)}: that file "
            "was changed since. Give the study of the new one a name of its own (name=...), or "
            "delete that directory."
        )


def _named(config: Mapping[str, Any]) -> str:
    return str(config["ckpt"] or config["arch"]["weights"])
