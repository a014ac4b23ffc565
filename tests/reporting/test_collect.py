import json
from pathlib import Path

import pytest
from written_runs import write_run

from gapcam.errors import UserError
from gapcam.failure import write_failure
from gapcam.reporting.collect import collect


@pytest.mark.parametrize("foreign", [{}, {"notes.txt": "x"}, {"a/config.yaml": "lr: 1"}])
def test_folders_without_runs_are_refused(tmp_path: Path, foreign: dict[str, str]) -> None:
    for name, text in foreign.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=r"no run in .*config\.yaml of gapcam.*gapcam\.experiment"):
        collect([tmp_path])


@pytest.mark.parametrize(("name", "reason"), [("none", "does not exist"), ("file", "is a file")])
def test_paths_that_are_no_folders(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"{name} {reason}"):
        collect([tmp_path / name])


def test_each_run_is_found_once_in_order(tmp_path: Path) -> None:
    late, early = write_run(tmp_path, row="z"), write_run(tmp_path, row="a")
    write_run(tmp_path / ".trash", row="thrown away")
    found = collect([tmp_path, tmp_path / "digits", late])
    assert [record.path for record in found.records] == [early, late]
    assert found.records[0].config["experiment"] == {"name": "digits", "row": "a"}
    assert found.records[0].facts["metrics"]["test/loc_top1"] == 0.5
    assert found.notes == ()


def test_folders_elsewhere_are_found_through_links(tmp_path: Path) -> None:
    write_run(tmp_path / "scratch", row="a")
    (tmp_path / "runs").mkdir()
    for name in ("digits", "the same again"):
        (tmp_path / "runs" / name).symlink_to(tmp_path / "scratch" / "digits")
    (tmp_path / "scratch" / "digits" / "round").symlink_to(tmp_path / "runs")
    found = collect([tmp_path / "runs"])
    assert [record.path for record in found.records] == [
        tmp_path / "runs" / "digits" / "a" / "trim0" / "seed0"
    ]


def test_a_run_inside_a_run_is_not_looked_for(tmp_path: Path) -> None:
    outer = write_run(tmp_path, row="a")
    write_run(outer / "wandb", row="copy")
    assert [record.path for record in collect([tmp_path]).records] == [outer]


def test_states(tmp_path: Path) -> None:
    write_run(tmp_path, row="a-finished")
    write_run(tmp_path, row="b-begun", finished=False)
    failed = write_run(tmp_path, row="c-failed", finished=False)
    write_failure(failed, "python -m gapcam.run", ValueError("no such thing"))
    longer = write_run(tmp_path, row="d-longer")
    text = (longer / "config.yaml").read_text()
    (longer / "config.yaml").write_text(text.replace("max_epochs: 4", "max_epochs: 8"))
    records = collect([tmp_path]).records
    assert [record.state for record in records] == [
        *("finished", "unfinished", "failed", "unfinished")
    ]
    assert records[2].failure == "ValueError: no such thing"
    assert records[3].facts == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ('{"metrics": {', "Expecting"),
        ("[1]", "no table of facts"),
        (
            '{"metrics": {}}',
            "protocols is missing; intervals is missing; mistakes is missing; 4 more",
        ),
        ("[" * 10**5, "recursion"),
    ],
)
def test_a_broken_run_does_not_hide_the_others(tmp_path: Path, text: str, reason: str) -> None:
    broken = write_run(tmp_path, row="a")
    (broken / "metrics.json").write_text(text)
    write_run(tmp_path, row="b")
    first, second = collect([tmp_path]).records
    assert (first.state, second.state) == ("failed", "finished")
    assert first.failure.startswith("metrics.json is broken (")
    assert reason in first.failure
    assert "delete it" in first.failure


@pytest.mark.parametrize("text", ["a: [", "- 1", "\xff"])
def test_a_broken_configuration_is_named(tmp_path: Path, text: str) -> None:
    broken = write_run(tmp_path, row="a")
    (broken / "config.yaml").write_bytes(text.encode("latin-1"))
    write_run(tmp_path, row="b")
    found = collect([tmp_path])
    assert len(found.records) == 1
    assert len(found.notes) == 1
    assert found.notes[0].startswith(f"{broken} is left out: its config.yaml ")


def test_evaluations_are_counted_only(tmp_path: Path) -> None:
    write_run(tmp_path, row="a")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "metrics.json").write_text(json.dumps({"maps": "x", "protocols": {}}))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "metrics.json").write_text("{}")
    assert collect([tmp_path]).notes == (
        "left out: 1 evaluations; a report is about runs of python -m gapcam.run and gapcam.study",
    )


@pytest.mark.parametrize(
    ("command", "found", "note"),
    [
        ("", 0, "no config.yaml; it failed: the data are missing"),
        ("python -m gapcam.run arch.trimm=1", 0, "not understood any more"),
        ("python -m gapcam.run arch.trim=2 seed=3", 1, ""),
    ],
)
def test_what_failed_before_it_began_is_told_by_its_command(
    tmp_path: Path, command: str, found: int, note: str
) -> None:
    write_run(tmp_path, row="z")
    write_failure(tmp_path / "early", command, UserError("the data are missing"))
    result = collect([tmp_path])
    early = [record for record in result.records if record.path.name == "early"]
    assert len(early) == found
    assert note in "".join(result.notes)
    for record in early:
        assert (record.state, record.failure) == ("failed", "the data are missing")
        assert (record.config["arch"]["trim"], record.config["seed"]) == (2, 3)
