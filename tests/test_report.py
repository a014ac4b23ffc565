import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from written_runs import write_run

from gapcam.errors import UserError
from gapcam.failure import write_failure
from gapcam.report import main, write_report

FILES = {"report.html", "report.json", "table.md", "table.csv", "table.tex"}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two lines of the recipe `digits` with two seeds each."""
    for trim, outcomes in ((0, "rrrb"), (1, "rrcb")):
        for seed in (0, 1):
            write_run(tmp_path / "runs", outcomes, row="small_gap", trim=trim, seed=seed)
    return tmp_path / "runs"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the page, which takes a second."""
    monkeypatch.setattr(
        "gapcam.reporting.page.write_page", lambda path, report: path.write_text(report.title)
    )


def cells(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "table.csv").read_text().splitlines()))


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_the_files_of_a_report(runs: Path) -> None:
    page = write_report([runs], runs)
    assert page == runs / "report.html"
    assert written(runs) == FILES | {"paired.csv"}
    assert "<html" in page.read_text()
    rows = cells(runs)
    measured = {
        (row["line"].rpartition(", ")[2], row["number"]): float(row["mean"])
        for row in rows
        if row["n"] == "2"
    }
    for trim in (0, 1):
        facts = json.loads((runs / f"digits/small_gap/trim{trim}/seed0/metrics.json").read_text())
        for name in ("cls_top1", "loc_top1"):
            assert measured[f"trim {trim}", name] == 100 * facts["metrics"][f"test/{name}"]
    assert "python -m gapcam.report" in (runs / "table.md").read_text()


def test_the_command(
    runs: Path, drawn: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["report", str(runs), "--experiment", "digits"])
    main()
    out = capsys.readouterr().out
    assert "trim 1" in out
    assert "25.00 ± 0.00" in out
    assert "not run" in out  # the recipe's third trim
    assert "protocol paper (paper-1): value > 0.2" in out
    assert out.splitlines()[-1] == f"page  {runs / 'report.html'}"


def test_a_mistake_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["report", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^1$"):
        main()
    assert capsys.readouterr().err.startswith("There is no run in")
    assert list(tmp_path.iterdir()) == []


def test_a_report_of_a_run_does_not_go_into_the_run(
    runs: Path, drawn: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs / "digits/small_gap/trim0/seed0"
    with pytest.raises(UserError, match="is the folder of a run"):
        write_report([run], run, overwrite=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["report", str(run)])
    main()
    assert written(tmp_path / "report") == FILES


def test_the_same_report_is_renewed(
    runs: Path, drawn: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report([runs], runs)
    write_run(runs, "rrrr", row="small_gap", trim=2)
    write_report([runs], runs)
    assert ",0,," in (runs / "table.csv").read_text()
    write_report([runs], runs, "digits")  # all that there is
    monkeypatch.chdir(tmp_path)
    write_report([Path("runs")], Path("runs"), "digits")


@pytest.mark.parametrize("there", ["table.md", "report.html", "paired.csv"])
def test_foreign_files_are_kept(runs: Path, drawn: None, tmp_path: Path, there: str) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / there).write_text("mine")
    with pytest.raises(UserError, match=rf"holds {there} that no report.*--overwrite"):
        write_report([runs], tmp_path / "to")
    assert (tmp_path / "to" / there).read_text() == "mine"
    assert written(tmp_path / "to") == {there}
    write_report([runs], tmp_path / "to", overwrite=True)
    assert written(tmp_path / "to") == FILES | {"paired.csv"}


@pytest.mark.parametrize("marker", [None, "", "[]", '{"about": 3}'])
def test_another_report_is_kept(
    runs: Path, drawn: None, tmp_path: Path, marker: str | None
) -> None:
    write_report([runs], tmp_path / "to")
    before = (tmp_path / "to" / "table.csv").read_text()
    if marker is not None:
        (tmp_path / "to" / "report.json").write_text(marker)
    write_run(tmp_path / "more", "bbbb", row="small_gap")
    with pytest.raises(UserError, match=r"holds another report \(.*--overwrite"):
        write_report([tmp_path / "more"], tmp_path / "to")
    assert (tmp_path / "to" / "table.csv").read_text() == before
    write_report([tmp_path / "more"], tmp_path / "to", overwrite=True)
    assert written(tmp_path / "to") == FILES  # no pairs of the earlier one


def test_folders_that_cannot_be_written_to(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot be written to .*file/report \(.*--to"):
        write_report([runs], tmp_path / "file" / "report")
    if Path("/proc/self").is_dir():  # nobody can write there
        with pytest.raises(UserError, match="cannot be written to /proc/report"):
            write_report([runs], Path("/proc/report"))
    (tmp_path / "to" / "table.md").mkdir(parents=True)
    with pytest.raises(UserError, match=r"cannot be written to .*to: "):
        write_report([runs], tmp_path / "to", overwrite=True)


def test_an_unknown_experiment(runs: Path) -> None:
    with pytest.raises(UserError, match=r"There is no experiment 'digit'.*Did you mean digits"):
        write_report([runs], runs, "digit")


def test_a_recipe_without_runs_there_is_shown_as_not_run(runs: Path, drawn: None) -> None:
    write_report([runs], runs, "table2_localization")
    text = (runs / "table.md").read_text()
    assert "| GoogLeNet-GAP |" in text
    assert "| not run |" in text
    assert "Note: runs found here that are not in this report: 4" in text


def test_tables_that_share_runs_are_shown_once_they_have_numbers(runs: Path, drawn: None) -> None:
    run = write_run(runs, experiment="table2_localization", row="googlenet_gap", finished=False)
    write_report([runs], runs)
    assert {row["recipe"] for row in cells(runs)} == {"digits", "table2_localization"}
    facts = json.loads((runs / "digits/small_gap/trim0/seed0/metrics.json").read_text())
    facts["metrics"]["test/centre/cls_top1"] = 0.35
    facts["protocols"]["centre"] = {**facts["protocols"]["paper"], "view": "centre"}
    (run / "metrics.json").write_text(json.dumps(facts))
    write_report([runs], runs)
    table1 = [row for row in cells(runs) if row["recipe"] == "table1_classification"]
    assert [row["difference"] for row in table1 if row["n"] == "1"] == ["0"]


def test_failures_are_told_in_full(
    runs: Path, drawn: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = write_run(runs, row="small_gap", trim=2, finished=False)
    write_failure(failed, "", ValueError("word " * 50 + "end"))
    monkeypatch.setattr("sys.argv", ["report", str(runs)])
    main()
    assert f"failed  {failed}: ValueError: {'word ' * 50}end" in capsys.readouterr().out


def test_runs_of_no_recipe_have_their_own_table(runs: Path, drawn: None) -> None:
    write_run(runs, experiment=None, row="mine")
    write_run(runs, experiment="gone", row="x")
    write_report([runs], runs)
    rows = cells(runs)
    others = [row["line"] for row in rows if row["recipe"] == "" and row["state"] != "floor"]
    assert list(dict.fromkeys(others)) == ["gone/x, trim 0", "mine, trim 0"]


def test_neither_help_nor_the_report_imports_torch() -> None:
    code = (
        "import sys, gapcam.report; heavy = {'torch', 'matplotlib'} & set(sys.modules);"
        "import gapcam.reporting.paired; print(heavy, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "False"]
