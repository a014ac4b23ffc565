"""`python -m gapcam.study`: what it leaves behind, and what it refuses."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benches import QUICK, colour_network, save_network
from support import compose_config, type_in
from twins import make_folders
from wandb_files import config, history, summary

from gapcam.errors import UserError
from gapcam.reporting.collect import collect
from gapcam.study_tools.command import study

NAMES = ["a cat", "dög"]
Type = Callable[..., dict[str, Any]]


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    root = make_folders(tmp_path / "data")
    weights = save_network(tmp_path / "colours.ckpt", colour_network(NAMES))
    conf = tmp_path / "conf"
    (conf / "study").mkdir(parents=True)
    (conf / "study" / "stub.yaml").write_text(
        "_target_: stub_study.Stub\nrefuses: false\nfails: false\n"
    )
    return [
        *QUICK,
        *("arch=small_gap", "arch.units=8", f"arch.weights={weights}", "name=stub"),
        *("data=folders", "data.train_per_class=3", f"data.root={root}"),
        *("study=stub", f"hydra.searchpath=[file://{conf}]", f"runs={tmp_path / 'runs'}"),
    ]


@pytest.fixture
def type_words(words: list[str]) -> Type:
    def _type(*more: str) -> dict[str, Any]:
        return study(compose_config(*words, *more, name="study"))

    return _type


def test_what_a_study_leaves_behind(
    type_words: Type, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = type_words("logger=[csv,tensorboard]")
    folder = tmp_path / "runs" / "stub" / "trim0" / "seed0"
    assert json.loads((folder / "metrics.json").read_text())["metrics"] == facts["metrics"]
    assert facts["metrics"]["test/cls_top1"] == 0.25
    assert facts["repeats"] == {"test/cls_top1": [0.2, 0.3]}
    assert facts["of_the_stub"] == 3
    rows = list(csv.DictReader((folder / "rows.csv").read_text().splitlines()))
    assert [row["index"] for row in rows] == [str(n) for n in range(6)]
    assert (folder / "extra.csv").read_text().splitlines() == ["a", "1", '""']
    page = (folder / "report.html").read_text()
    for words in ("Averages are &lt;small&gt;.", "a|b", "it is a stub", 'href="more.html"'):
        assert words in page
    assert page.count("data:image/png;base64,") == 2
    assert "A page of its own." in (folder / "more.html").read_text()
    (logged,) = folder.rglob("metrics.csv")
    assert "test/average_precision" in logged.read_text()
    assert list(folder.rglob("events.out.tfevents*"))
    told = capsys.readouterr().out
    assert "Averages are <small>." in told
    assert "average precision of chance" in told
    (record,) = collect([tmp_path / "runs"]).records
    assert record.state == "finished"


@pytest.mark.slow
def test_weights_and_biases_get_numbers_and_pictures(type_words: Type, tmp_path: Path) -> None:
    type_words("logger=wandb_offline")
    (run,) = (tmp_path / "runs" / "stub").rglob("offline-run-*")
    found = summary(run)
    assert found["test/average_precision"] == 0.5
    logged = history(run)
    assert logged["study/Means/captions"][0][0] == "a square"
    assert logged["study/Means/count"] == [2]
    assert config(run)["study"]["_target_"] == "stub_study.Stub"


def test_a_finished_study_is_shown_again(
    type_words: Type, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = type_words()
    monkeypatch.setattr("stub_study.extract", lambda *_: pytest.fail("done again"))
    assert type_words()["metrics"] == first["metrics"]
    assert "is finished; delete it to run it again" in capsys.readouterr().out


def _other_weights(path: Path) -> None:
    save_network(path, colour_network([*NAMES[::-1]]))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda path: None, ""),
        (Path.touch, ""),  # the same weights, copied again
        (Path.unlink, ""),  # gone: nothing else can be meant
        (_other_weights, r"study of another \S+colours.ckpt: .* changed since\. .*\(name=\.\.\.\)"),
    ],
    ids=["kept", "touched", "gone", "replaced"],
)
def test_a_result_of_other_weights_is_not_shown(
    type_words: Type, tmp_path: Path, change: Callable[[Path], None], match: str
) -> None:
    first = type_words()
    change(tmp_path / "colours.ckpt")
    if match:
        with pytest.raises(UserError, match=match):
            type_words()
        type_words("name=other")
    else:
        assert type_words()["metrics"] == first["metrics"]


def test_features_may_be_elsewhere(type_words: Type, tmp_path: Path) -> None:
    """As they are when the folder of all runs is moved."""
    first = type_words()
    assert type_words(f"features={tmp_path / 'elsewhere'}")["metrics"] == first["metrics"]


def test_an_interrupted_study_goes_on(
    type_words: Type, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("stub_study.extract", interrupted)
        with pytest.raises(SystemExit, match="130"):
            type_words()
    assert "Interrupted. The same command goes on." in capsys.readouterr().out
    assert type_words()["metrics"]


def test_features_outlive_a_crash(
    type_words: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError, match="power cut"):
        type_words("study.fails=true")
    folder = tmp_path / "runs" / "stub" / "trim0" / "seed0"
    assert "power cut" in (folder / "FAILED").read_text()
    with pytest.raises(UserError, match=r"(?s)another configuration.*study.fails: True -> False"):
        type_words()
    calls: list[str] = []
    monkeypatch.setattr(
        "gapcam.study.extraction._compute", lambda *_: calls.append("computed again")
    )
    type_words("name=other")
    assert calls == []


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ((), ""),
        (("study.refuses=true",), "expected something else"),
        (("arch.weights=null",), r"a trained network: give ckpt=.*arch\.weights=imagenet"),
        (("arch.weights=nowhere.ckpt",), "there is no file nowhere.ckpt"),
        (("ckpt=nowhere.ckpt",), "nowhere.ckpt says what network it is; leave out arch="),
        (("data.root=nowhere",), "nowhere"),
        (("gallery=-1",), "gallery must be a whole number from 0 on"),
        (("protocol=[]",), "protocol must be one or more"),
    ],
)
def test_mistakes_come_first(
    type_words: Type, tmp_path: Path, more: tuple[str, ...], match: str
) -> None:
    if not match:
        type_words()
        return
    with pytest.raises(UserError, match=match):
        type_words(*more)
    assert not list(tmp_path.rglob("features.npy"))
    assert not list(tmp_path.rglob("config.yaml"))


def test_a_checkpoint_brings_its_network(words: list[str], tmp_path: Path) -> None:
    of_arch = [word for word in words if not word.startswith(("arch", "name="))]
    ckpt = save_network(
        tmp_path / "mine" / "trim0" / "seed0" / "checkpoints" / "last.ckpt",
        colour_network(["other", "classes"]),
    )
    facts = study(compose_config(*of_arch, f"ckpt={ckpt}", name="study"))
    assert facts["title"] == "stub-mine-trim0-seed0-last-folders-trim0-seed0"
    assert facts["network"]["name"] == "SmallGAP"
    assert facts["weights"] == str(ckpt)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("study=featurs",), "There is no study=featurs. Did you mean features?"),
        (("study=features", "study.lyer=fc7"), "There is no setting study.lyer. study has: "),
        (("--help",), "What the paper does with a trained network"),
    ],
)
def test_typed(typed: tuple[str, ...], told: str, tmp_path: Path) -> None:
    done = type_in(*typed, cwd=tmp_path, module="gapcam.study")
    assert told in done.stdout + done.stderr


@pytest.mark.slow
def test_a_sweep_ends_with_a_table_of_its_jobs(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))  # the stub
    more = ["study.refuses=true,false", "name=refuses-${study.refuses}"]
    swept = type_in("-m", *words, *more, module="gapcam.study")
    assert swept.returncode == 1
    assert "Traceback" not in swept.stderr
    table = swept.stdout[swept.stdout.rindex("2 jobs, ") :]
    assert "2 jobs, errors" in table
    failed, done = [line for line in table.splitlines() if "│ refuses-" in line]
    assert "failed" in failed
    assert "25.00" in done
