"""The index beside the data: opened without walking the tree, renewed when anything changed."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twins import edit, make_tiny_imagenet, save_picture

from gapcam.data.tiny_imagenet import TinyImageNet
from gapcam.errors import UserError


class Watched(TinyImageNet):
    reads = 0

    def read_classes(self, tree: Any) -> list[str]:
        Watched.reads += 1
        return super().read_classes(tree)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_tiny_imagenet(tmp_path / "tiny")


SETTINGS = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}
SETTINGS |= {"size": (24, 24)}


def opened(root: Path, reads: int | None = None, **kwargs: Any) -> Watched:
    before = Watched.reads
    data = Watched(root=root, **{**SETTINGS, **kwargs})
    data.setup()
    assert reads is None or Watched.reads - before == reads
    return data


def test_the_tree_is_read_once(root: Path) -> None:
    first = opened(root, reads=1)
    again = opened(root, reads=0)
    assert again.fingerprint() == first.fingerprint()
    assert again.class_names == first.class_names
    assert again.train[0].boxes.tolist() == first.train[0].boxes.tolist()
    opened(root, reads=0, size=(32, 32), batch_size=1)  # these do not change what is read


def _later(path: Path) -> None:
    """Stamp a folder as changed, on file systems with coarse clocks too."""
    stamp = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(stamp, stamp))


def _add_picture(root: Path) -> None:
    save_picture(root / "train" / "n01443537" / "images" / "n01443537_9.JPEG", size=(64, 64))
    boxes = root / "train" / "n01443537" / "n01443537_boxes.txt"
    edit(boxes, lambda text: text + "n01443537_9.JPEG\t0\t0\t9\t9\n")
    _later(boxes.parent / "images")


def _change_annotation(root: Path) -> None:
    edit(root / "val" / "val_annotations.txt", lambda text: text.replace("\t5\t", "\t6\t", 1))


def _remove_class(root: Path) -> None:
    (root / "train" / "n01443537").rename(root / "elsewhere")
    _later(root / "train")


@pytest.mark.parametrize("change", [_add_picture, _change_annotation, _remove_class])
def test_a_change_renews_the_index(root: Path, change: Callable[[Path], None]) -> None:
    first = opened(root, reads=1)
    change(root)
    second = opened(root, reads=1)
    assert second.fingerprint() != first.fingerprint()
    assert opened(root, reads=0).fingerprint() == second.fingerprint()
    # Who had opened the older index still has it.
    assert first.train.name(0).endswith(".JPEG")


def test_a_fault_is_never_kept(root: Path) -> None:
    picture = root / "val" / "images" / "val_1.JPEG"
    content = picture.read_bytes()
    picture.unlink()
    for _ in range(2):
        with pytest.raises(UserError, match=r"val_1.JPEG: it is annotated, but not there"):
            opened(root, reads=1)
    picture.write_bytes(content)
    _later(picture.parent)
    opened(root, reads=1)
    opened(root, reads=0)


def test_a_broken_index_is_made_again(root: Path, tmp_path: Path) -> None:
    opened(root, cache=tmp_path / "cache")
    for array in (tmp_path / "cache").rglob("labels.npy"):
        array.write_bytes(b"cut short")
    assert len(opened(root, reads=1, cache=tmp_path / "cache").train) == 6


def test_arrays_of_yesterday_are_removed(root: Path, tmp_path: Path) -> None:
    """Not those of today: a run may still start processes that open them."""
    for age, expected in ((0, 2), (25 * 3600, 1)):
        cache = tmp_path / f"cache{age}"
        opened(root, cache=cache)
        (old,) = cache.glob("*/arrays-*")
        os.utime(old, (time.time() - age,) * 2)
        _change_annotation(root)
        opened(root, cache=cache)
        assert len(list(cache.glob("*/arrays-*"))) == expected
        assert not list(cache.glob("*/.arrays-*"))


def test_two_processes_write_the_same_arrays(root: Path, tmp_path: Path) -> None:
    first, second = opened(root, cache=tmp_path / "cache"), Watched(root=root, **SETTINGS)
    second.cache = tmp_path / "cache"
    contents = second.read(second.find())
    kept = second.keep(second.find(), contents)
    assert len(list((tmp_path / "cache").glob("*/arrays-*"))) == 1
    assert kept.splits["train"].index.fingerprint == first.train.fingerprint


def test_without_a_place_to_keep_it_the_index_stays_in_memory(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert len(opened(root, reads=1, cache=tmp_path / "cache").train) == 6
    assert "cannot be kept in" in capsys.readouterr().err


def test_progress_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("file_module", "headers"):
        monkeypatch.setattr(f"gapcam.data.{module}.PROGRESS_EVERY", 4)
    seen: list[int] = []
    data = Watched(root=root, **SETTINGS)
    data.on_progress = seen.append
    data.setup()
    assert seen == [4, 8, 4]  # of 9 entries, then of the headers of 6 training pictures
