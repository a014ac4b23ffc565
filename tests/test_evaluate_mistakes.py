"""What a user reads who makes a mistake with `python -m gapcam.evaluate`, or stops it."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from evaluations import ALL, QUICK, Evaluate, plain, saved
from PIL import Image
from splits import digits
from support import subprocess_environment, type_in

from gapcam.build import build_data, data_facts
from gapcam.errors import UserError

pytest_plugins = ["evaluation_fixtures"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], r"Whose maps\? Give one of ckpt=.*, maps=.*, arch.weights=.*; got none"),
        (["maps="], "got none"),
        (["ckpt=a", "maps=b"], r"got ckpt=\.\.\. and maps=\.\.\."),
        (["maps=b", "arch.weights=imagenet"], r"got maps=\.\.\. and arch\.weights=\.\.\."),
        (["ckpt=a", "arch=vgg_gap"], "a says what network it is; leave out arch=vgg_gap"),
        (["ckpt=a", "arch.units=8"], "leave out arch.units=8"),
        (["ckpt=/no.ckpt"], "There is no checkpoint /no.ckpt"),
        (["ckpt=5"], "There is no checkpoint 5"),
        (["maps=/nowhere"], "/nowhere is no folder. Give one with a .npy, .png or .pt file for"),
        (["maps=7"], "7 is no folder"),
        (["maps=x", "split=train"], "split must be one of test, val; got 'train'"),
        (["maps=x", "thresholds=banana"], "thresholds must be one of val, null; got 'banana'"),
        (["maps=x", "references=maybe"], "references must be one of true, false; got 'maybe'"),
        (["maps=x", "view=5"], r"view must be a height and a width, as in \[224,224\]; got 5"),
        (["maps=x", "view=[5]"], r"view must be a height and a width.*; got \[5\]"),
        (["maps=x", "view=[0,5]"], r"view must be .*; got \[0, 5\]"),
        (
            ["maps=x", "protocol.paper.threshold=2"],
            r"protocol.paper: threshold must be in \[0, 1\)",
        ),
        (["maps=x", "protocol=[]"], "protocol must be one or more of the options"),
        (["maps=x", "~protocol"], "protocol must be one or more of the options"),
        (["maps=x", "data=ilsvrc"], r"data.root must be set: add data.root=\.\.\. to the command"),
        (["maps=x", "data=ilsvrc", "data.root=/no"], "data.root=/no does not hold ILSVRC-2012"),
        (
            ["maps=x", "evaluations=/etc/passwd"],
            "Results cannot be written to /etc/passwd/x-digits",
        ),
        (["arch.weights=/no.pth"], "there is no file /no.pth"),
        (["ckpt=a", "cam=gradient"], "cam must be auto or one of cam, .*; got 'gradient'"),
        (["ckpt=a", "cam=[cam,gradcan]"], r"got 'gradcan'\. Did you mean gradcam\?"),
        (["ckpt=a", "cam=[cam,auto]"], "cam must be auto or one of cam, .*; got 'auto'"),
        (["ckpt=a", "cam=[cam,cam]"], r"list kinds of maps once each, .*; got \['cam', 'cam'\]"),
        (["ckpt=a", "cam=[]"], r"cam must list kinds of maps once each, .*; got \[\]"),
        (["maps=x", "cam=gradcam"], "maps=x are what they are; leave out cam"),
    ],
)
def test_mistakes(type_words: Evaluate, words: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        type_words(*words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.size=[32,32]"], r"sees images of \[64, 64\], and data.size is \[32, 32\]"),
        (["protocol=released"], "looks at ten views, and this data set has whole pictures only"),
        (["cam=gradcam@fire9"], "There is no layer fire9; give one of conv1_1, "),
        (["cam=[cam,gradcam@fire9]"], "There is no layer fire9; give one of conv1_1, "),
        (["trainer.accelerator=gpux"], "trainer: "),
        (["trainer.limit_test_batches=0"], "limit_test_batches=0 leaves nothing to report"),
    ],
)
def test_mistakes_with_a_checkpoint(
    type_words: Evaluate, ckpt: str, words: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        type_words(ckpt, *words)
    assert not (tmp_path / "out").exists()


def test_other_classes(type_words: Evaluate, tmp_path: Path) -> None:
    path = tmp_path / "other.d" / "other.ckpt"
    facts = data_facts(digits())
    names = facts["class_names"]
    saved(path, plain("arch.units=8"), facts | {"class_names": [*names[:9], "nine"]})
    with pytest.raises(
        UserError, match=r"tells 10 classes apart, .* differ: nine and 9\. Give the"
    ):
        type_words(f"ckpt={path}")


def test_weights_that_leave_layers_random(type_words: Evaluate, tmp_path: Path) -> None:
    path = tmp_path / "other.d" / "other.ckpt"
    saved(path, plain("arch.units=8"), data_facts(digits()) | {"class_names": ["a", "b"]})
    with pytest.raises(UserError, match=r"random classifier; .* Where layers are random there is"):
        type_words(f"arch.weights={path}", "arch.units=8")


@pytest.mark.parametrize("content", ["", "{}", '{"command": "python -m gapcam.run"}'])
def test_results_of_something_else_are_kept(
    type_words: Evaluate, ckpt: str, content: str, tmp_path: Path
) -> None:
    file = tmp_path / "out" / "mine" / "metrics.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(UserError, match="holds results of something else; give another name="):
        type_words(ckpt, "name=mine")
    assert file.read_text() == content


def _remove_one(folder: Path) -> None:
    (folder / "00003.npy").unlink()


def _remove_all(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _colour(folder: Path) -> None:
    (folder / "00003.npy").unlink()
    Image.new("RGB", (16, 16)).save(folder / "00003.png")


def _stack(folder: Path) -> None:
    np.save(folder / "00003.npy", np.zeros((10, 16, 16)))


def _text(folder: Path) -> None:
    (folder / "00003.npy").write_text("0.1 0.2")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_remove_all, "holds no heat map: no .npy, .png, .pt file"),
        (_remove_one, "1 of 10 images have no map in .*: test/00003. For the first one looked for"),
        (_colour, "00003.png: expected a grey picture of 8 or 16 bits; got one of mode RGB"),
        (_stack, r"00003.npy: expected a map of shape \(h, w\) or \(1, h, w\); got \(10, 16, 16\)"),
        (_text, "00003.npy: no array that NumPy reads without pickle"),
    ],
)
def test_spoilt_maps(
    type_words: Evaluate, maps: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(maps / "test")
    with pytest.raises(UserError, match=message):
        type_words(f"maps={maps}")
    assert not (maps.parent / "out").exists()


WITHOUT_TORCH = """
import sys
from gapcam.evaluate import main
try: main()
finally: assert 'torch' not in sys.modules, 'torch was imported'
"""


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--help"], 0, "Score a network, or heat maps made by any program"),
        (["ckpt=x", "cam=[cam,gradcan]"], 1, "got 'gradcan'. Did you mean gradcam?"),
        (["protocol=[paper,exat]"], 1, "There is no protocol=exat. Did you mean exact?"),
        (["map=x"], 1, "There is no setting map. The configuration has: "),
        (["maps=x", "split=train"], 1, "split must be one of test, val; got 'train'"),
    ],
)
def test_answers_without_torch(words: list[str], code: int, message: str, tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env=subprocess_environment(),
    )
    assert answer.returncode == code, answer.stderr
    assert message in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_jobs_of_a_sweep_do_not_replace_each_other(made: Path, tmp_path: Path) -> None:
    words = ["-m", f"ckpt={made}/run/last.ckpt", "seed=0,1", f"evaluations={tmp_path}"]
    words += ["data.counts=[8,4,4]", "references=false", *QUICK]
    refused = type_in(*words, module="gapcam.evaluate")
    assert refused.returncode == 1
    assert "last-digits-test-paper has the results of another job of this sweep" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = type_in(*words, "name=of${seed}", module="gapcam.evaluate")
    assert done.returncode == 0, done.stderr
    assert {path.parent.name for path in tmp_path.rglob("metrics.json")} >= {"of0", "of1"}


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_interrupt_leaves_no_traceback(
    finished: tuple[Path, str], tmp_path: Path, seconds: float
) -> None:
    words = [f"ckpt={finished[0]}/checkpoints/last.ckpt", ALL, "data.counts=[9,9,9000]", *QUICK]
    process: subprocess.Popen[str] = subprocess.Popen(
        [sys.executable, "-u", "-m", "gapcam.evaluate", *words, f"evaluations={tmp_path}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=subprocess_environment(),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "16x16 maps" in line:
            break
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert "Interrupted; the same command begins anew." in printed
    assert "Traceback" not in printed
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_broken_picture_in_a_worker_is_named(ilsvrc_root: Path, tmp_path: Path) -> None:
    words = ["data=ilsvrc", f"data.root={ilsvrc_root}", "arch.size=[32,32]", "data.resize=40"]
    path = tmp_path / "weights" / "some.ckpt"
    saved(path, plain(*words), data_facts(build_data(plain(*words))))
    picture = sorted((ilsvrc_root / "ILSVRC" / "Data" / "CLS-LOC" / "val").iterdir())[2]
    picture.write_bytes(picture.read_bytes()[:-300])  # the header is whole
    words += [*QUICK, "data.num_workers=1", f"arch.weights={path}", f"evaluations={tmp_path}/out"]
    answer = type_in(*words, module="gapcam.evaluate")
    assert answer.returncode == 1
    assert f"{picture}" in answer.stderr
    assert "Traceback" not in answer.stderr
