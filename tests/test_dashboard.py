import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import wandb
from wandb_files import history

from gapcam.dashboard import main

PANELS = {
    "Run History Line Plot",
    *("Scatter Plot", "Bar Chart", "Parallel Coordinates Plot"),
    *("Media Browser", "Vega2", "Run Comparer", "Weave"),
}


def definition(path: Path, *arguments: str) -> dict[str, Any]:
    assert main(["--to", str(path), *arguments]) == 0
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def sections(found: dict[str, Any]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = found["workspace"]["spec"]["section"]["panelBankConfig"][
        "sections"
    ]
    return listed


def strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from strings(value)


def test_report_and_workspace_have_the_same_panels(tmp_path: Path) -> None:
    found = definition(tmp_path / "d.json", "--entity", "team")
    assert found["workspace"]["entity"] == found["report"]["project"]["entityName"] == "team"
    assert found["workspace"]["project"] == found["report"]["project"]["name"] == "gapcam"
    grids = [b for b in found["report"]["spec"]["blocks"] if b["type"] == "panel-grid"]
    for section, grid in zip(sections(found), grids, strict=True):
        of_report = grid["metadata"]["panelBankSectionConfig"]["panels"]
        kinds = [
            [panel["viewType"] for panel in panels] for panels in (section["panels"], of_report)
        ]
        assert kinds[0] == kinds[1]
    assert {p["viewType"] for section in sections(found) for p in section["panels"]} == PANELS


def test_panels_show_what_runs_log(tmp_path: Path, finished: tuple[Path, str]) -> None:
    (run,) = finished[0].glob("wandb/offline-run-*")
    logged = {name for key in history(run) for name in (key, key.rpartition("/")[0])}
    shown = {
        text.removeprefix("summary:")
        for text in strings(sections(definition(tmp_path / "d.json")))
        if text.removeprefix("summary:").startswith(("val/", "test/", "train/"))
    }
    # The run's only protocol does not try all thresholds.
    assert shown - logged == {"test/threshold_curve_table"}
    assert {"val/cam", "test/images", "test/loc_gt_known", "val/floor_best_centred"} <= shown


def test_experiments_are_groups(tmp_path: Path) -> None:
    every = definition(tmp_path / "d.json")["workspace"]["spec"]["section"]["runSets"][0]
    assert every["grouping"] == [{"section": "run", "name": "group"}]
    assert every["filters"]["filters"] == []
    one = definition(tmp_path / "d.json", "--experiment", "trim_depth")
    (runs,) = one["workspace"]["spec"]["section"]["runSets"]
    (wanted,) = runs["filters"]["filters"]
    assert (wanted["key"]["name"], wanted["op"], wanted["value"]) == ("group", "=", "trim_depth")
    assert runs["grouping"] == []
    assert one["report"]["displayName"] == "gapcam: trim_depth"


def test_says_how_to_send_it_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    definition(tmp_path / "new" / "d.json")
    assert "wandb login, then the same command without --to" in capsys.readouterr().out


def without_library() -> tuple[int, str]:
    command = (
        "import sys; sys.modules['wandb_workspaces'] = None; from gapcam.dashboard import main; "
        "sys.exit(main([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_without_the_library() -> None:
    status, message = without_library()
    assert status == 1
    assert message.strip().endswith("pip install 'gapcam[dashboard]'")


def test_imports_no_torch() -> None:
    command = "import sys, gapcam.dashboard_definition; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0


class Server:
    """Answers like W&B's, and keeps what it is sent."""

    def __init__(self) -> None:
        self.views: list[dict[str, Any]] = []
        self.default_entity: str | None = "me"
        self.client = SimpleNamespace(app_url="https://wandb.test")

    def projects(self, entity: str) -> list[SimpleNamespace]:
        if entity != "me":
            raise ValueError("no such entity")
        return [SimpleNamespace(name="gapcam"), SimpleNamespace(name="other")]

    def execute(self, api: Any, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        self.views.append(variables)
        view = {"id": "Vmlldzox", "name": "nw-abc-v", "displayName": variables["displayName"]}
        place = {"entityName": variables["entityName"], "name": variables["projectName"]}
        content = {"spec": variables["spec"], "description": "", "project": place}
        return {"upsertView": {"view": {**view, **content}, "inserted": True}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from wandb_workspaces.reports.v2 import interface
        from wandb_workspaces.workspaces import internal

    made = Server()
    monkeypatch.setattr(wandb, "Api", lambda *_, **__: made)
    for module in (interface, internal):
        monkeypatch.setattr(module, "execute_graphql", made.execute)
    return made


def test_saves_and_prints_addresses(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--experiment", "digits"]) == 0
    assert [view["displayName"] for view in server.views] == ["gapcam: digits"] * 2
    assert {(view["entityName"], view["projectName"]) for view in server.views} == {
        ("me", "gapcam")
    }
    printed = capsys.readouterr().out
    assert "https://wandb.test/me/gapcam?nw=abc" in printed
    assert "https://wandb.test/me/gapcam/reports/gapcam:-digits--Vmlldzox" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--experiment", "it's"], r"letters, digits and any of _ \. - /; got \"it's\""),
        (["--project", "no"], r"me has no W&B project 'no'; there is gapcam, other\. Give another"),
        (["--entity", "you"], "W&B knows no entity 'you': no such entity"),
        (["--to", "/proc/no/d.json"], "/proc/no/d.json cannot be written: .*Give another --to"),
    ],
)
def test_mistakes(
    arguments: list[str], message: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert_matches(capsys, message)
    assert server.views == []


def test_a_login_without_an_entity(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.default_entity = None
    assert main([]) == 1
    assert_matches(capsys, "no default entity; give --entity")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (wandb.errors.UsageError("No API key"), "There is no login to W&B.*wandb login.*--to"),
        (wandb.errors.CommError("timed out."), "W&B did not answer, or refused: timed out. Check"),
    ],
)
def test_no_login_and_no_network(
    error: Exception,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(wandb, "Api", refuse)
    assert main([]) == 1
    assert_matches(capsys, message)


def assert_matches(capsys: pytest.CaptureFixture[str], message: str) -> None:
    printed = capsys.readouterr().err
    assert re.search(message, printed), printed
