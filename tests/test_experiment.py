import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from browser import in_a_browser, opened_in_chromium
from recipes_support import Experiment, finish, results
from support import subprocess_environment, type_in

import gapcam.experiment
from gapcam.experiment import main
from gapcam.recipes.job import Job, Progress
from gapcam.recipes.recipe import recipe_names

pytest_plugins = ["experiment_runs"]

TWO_RUNS = ("digits", "seed=0,1", "arch.trim=0")


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Work in an empty folder; what the report is asked for, instead of the report."""
    asked: list[Any] = []

    def write_report(paths: Sequence[Path], to: Path, **settings: Any) -> Path:
        asked.append((list(paths), to, settings))
        return to / "report.html"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gapcam.report.write_report", write_report)
    return asked


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the runs end in these ways instead of running them."""

    def _end(*ways: Progress, requests: int = 0) -> None:
        def run_queue(jobs: Sequence[Job], display: Any, stop: Any) -> None:
            stop.count = requests
            waiting = [job for job in jobs if job.progress is Progress.WAITING]
            for job, way in zip(waiting, ways, strict=True):
                if way is Progress.FINISHED:
                    finish(job)
                job.progress, job.message = way, "no [such] thing" if way is Progress.FAILED else ""
                display.changed(job)

        monkeypatch.setattr(gapcam.experiment, "run_queue", run_queue)

    return _end


def test_without_a_name_all_are_listed(
    pages: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in recipe_names())
    assert "python -m gapcam.experiment NAME" in printed


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["digitz"], "Did you mean digits?"),
        (["digits", "arch.trimm=1"], "Did you mean arch.trim?"),
        (["digits", "data=ilsvrc", "seed=0"], "data.root must be set. Type:\n  python -m "
         "gapcam.experiment digits data=ilsvrc seed=0 data.root=...\n"),
        (["digits", "--rows", "vgg"], "digits has no row vgg that is run; it has small_gap"),
        (["digits", "--name", "digits"], "--name digits: that is an experiment"),
        ([*TWO_RUNS, "data=ilsvrc", "data.root=/nowhere"], "data.root=/nowhere does not exist"),
        ([*TWO_RUNS, "runs=/dev/null"], "Runs cannot be written to"),
    ],
)  # fmt: skip
def test_mistakes_are_told_before_anything_runs(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    assert message in capsys.readouterr().err
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["digits", "--rows", ","], "give rows of the table"),
        (["digits", "-m"], "unrecognized arguments: -m"),
    ],
)
def test_options_that_do_not_exist(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert message in capsys.readouterr().err


def test_commands_are_printed_and_can_be_typed(
    pages: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--commands", "digits", "--rows", "small_gap", "seed=0,1", "--name", "mine"]
    assert main([*words, "arch.trim=0", "data.counts=[9,9,9]"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [shlex.split(line) for line in lines] == [
        [
            *("python", "-m", "gapcam.run", "+experiment=digits", "experiment.row=small_gap"),
            *("name=mine/small_gap", "group=mine", "arch.trim=0", f"seed={seed}"),
            "data.counts=[9,9,9]",
        ]
        for seed in (0, 1)
    ]
    assert not list(Path().iterdir())


def test_a_variant_is_kept_beside(
    pages: list[Any], end: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    end(Progress.FINISHED, Progress.FINISHED)
    assert main([*TWO_RUNS]) == 0
    assert main([*TWO_RUNS, "optim.lr=0.5"]) == 1
    assert "Add --name NAME" in capsys.readouterr().err
    assert main([*TWO_RUNS, "optim.lr=0.5", "--name", "fast"]) == 0
    assert "page  runs/fast/report.html" in capsys.readouterr().out
    settings = {"recipe_name": "digits", "overwrite": False}
    assert pages == [([f], f, settings) for f in (Path("runs/digits"), Path("runs/fast"))]


@pytest.mark.parametrize(
    ("ways", "requests", "status", "words", "page"),
    [
        ((Progress.FINISHED, Progress.FINISHED), 0, 0, ["2 of 2 finished"], True),
        ((Progress.FAILED, Progress.FINISHED), 0, 1,
         ["failed  small_gap, trim 0, seed 0: no [such] thing\n        runs/digits/logs/small_gap-"
          "trim0-seed0.txt\n", "The same command goes on"], True),
        ((Progress.FAILED, Progress.FAILED), 0, 1, ["seed 1: no [such] thing"], False),
        ((Progress.FINISHED, Progress.INTERRUPTED), 1, 130, ["The same command goes on"], True),
        ((Progress.FINISHED, Progress.INTERRUPTED), 0, 130, ["The same command goes on"], True),
        ((Progress.FINISHED, Progress.WAITING), 1, 130, ["The same command goes on"], True),
        ((Progress.FINISHED, Progress.FINISHED), 1, 0, [], True),
    ],
)  # fmt: skip
def test_how_it_ends(
    pages: list[Any],
    end: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    ways: tuple[Progress, ...],
    requests: int,
    status: int,
    words: list[str],
    page: bool,
) -> None:
    end(*ways, requests=requests)
    assert main(TWO_RUNS) == status
    printed = capsys.readouterr().out
    assert all(word in printed for word in words)
    assert ("page  runs/digits/report.html" in printed) == page == bool(pages)
    assert ("goes on" in printed) == (status != 0)


def test_a_table_of_other_runs_has_a_page_of_its_own(
    pages: list[Any], end: Callable[..., None], tmp_path: Path
) -> None:
    end(Progress.FINISHED, Progress.FINISHED)
    (tmp_path / "data").mkdir()
    assert main(["gap_vs_gmp", "data.root=data"]) == 0
    folder = Path("runs/table2_localization")
    settings = {"recipe_name": "gap_vs_gmp", "overwrite": False}
    assert pages == [([folder], folder / "gap_vs_gmp", settings)]


@pytest.mark.parametrize("words", [[], ["digits", "--commands"], ["digits", "seed=x"], ["--help"]])
def test_answers_without_torch(words: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; from gapcam.experiment import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'matplotlib'} & set(sys.modules), 'imported'"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env=subprocess_environment(),
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout or answer.stderr


@pytest.mark.slow
def test_an_interrupted_experiment_goes_on(finished_experiment: Experiment) -> None:
    folder, interrupted, resumed, first_result = finished_experiment
    assert "trim 0, seed 1: stopping: the run saves what it has" in interrupted
    assert "trim 0, seed 1: interrupted after" in interrupted
    assert "The same command goes on" in interrupted
    assert "trim 0, seed 0: was finished before: classification" in resumed
    assert resumed.count(": started, prints to ") == 3
    assert "4 of 4 finished" in resumed
    found = results(folder)
    assert len(found) == 4
    assert found[0].stat().st_mtime_ns == first_result
    for path in found:
        trained = json.loads(path.read_text())["trained"]
        assert trained == {"epochs": 2, "steps": 12}


@pytest.mark.slow
def test_an_experiment_leaves_logs_and_a_report(finished_experiment: Experiment) -> None:
    folder = finished_experiment.folder
    logs = sorted(path.name for path in (folder / "logs").iterdir())
    assert logs == [f"small_gap-trim{t}-seed{s}.txt" for t in (0, 1) for s in (0, 1)]
    log = (folder / "logs" / "small_gap-trim0-seed1.txt").read_text()
    assert log.count("$ python -m gapcam.run +experiment=digits") == 2
    assert re.search(r"Interrupted. The same command goes on from \S+/last.ckpt", log)
    assert "go on from last.ckpt to epoch 2" in log
    assert f"page  {folder / 'report.html'}" in finished_experiment.resumed
    names = {"report.html", "table.md", "table.csv", "table.tex"}
    assert names <= {path.name for path in folder.iterdir()}


@pytest.mark.slow
@in_a_browser
def test_its_page_shows_the_numbers_of_its_runs(finished_experiment: Experiment) -> None:
    folder = finished_experiment.folder
    with opened_in_chromium(folder / "report.html") as (page, faults):
        rows = page.locator("table.paper").first.locator("tbody tr").all()
        shown = [row.locator("td").all_inner_texts() for row in rows]
        pictures = page.locator("output").first.inner_text()
        page.locator("[name=line]").first.select_option("average pooling, trim 1")
        of_a_line = page.locator("output").first.inner_text()
    for trim, cells in enumerate(shown[:2]):
        files = [folder / f"small_gap/trim{trim}/seed{s}/metrics.json" for s in (0, 1)]
        numbers = [json.loads(file.read_text())["metrics"] for file in files]
        for name, cell in zip(("cls_top1", "loc_top1", "loc_gt_known"), cells[1:], strict=True):
            both = [100 * one[f"test/{name}"] for one in numbers]
            assert cell == f"{mean(both):.2f} ± {stdev(both):.2f}\nn = 2"
    assert faults == []
    count = len(list(folder.glob("small_gap/trim*/seed0/cams/*"))) - 2  # the same one, apart
    assert pictures == f"{count} of {count} pictures"
    assert of_a_line == f"{count // 2} of {count} pictures"


@pytest.mark.slow
def test_a_printed_command_is_the_same_run(finished_experiment: Experiment) -> None:
    log = (finished_experiment.folder / "logs" / "small_gap-trim1-seed1.txt").read_text()
    words = shlex.split(log.splitlines()[0])[4:]
    by_hand = type_in(*words)
    assert by_hand.returncode == 0, by_hand.stderr
    assert "trim1/seed1 is finished; delete it to run it again" in by_hand.stdout
    multirun = type_in("-m", *words[:-1], words[-1], "seed=0,1")
    assert multirun.returncode == 0, multirun.stderr
    assert multirun.stdout.count("is finished; delete it") == 2
