import pickle
from pathlib import Path

import numpy as np
import pytest

from gapcam.data.index import Entry, SplitIndex

ENTRIES = [
    Entry("a/ö 1.jpg", 1, [(0, 0, 2, 3), (1, 1, 4.5, 5)], (10, 20)),
    Entry("b.jpg", 0, text="wo is it?\u2028there"),
    Entry("", 2, np.array([[1, 2, 3, 4]], np.float32), crop=(1, 2, 3, 4)),
]


def reopened(index: SplitIndex, folder: Path) -> SplitIndex:
    index.save(folder / "split")
    return SplitIndex.open(folder / "split")


@pytest.mark.parametrize("entries", [[], ENTRIES[1:2], ENTRIES])
@pytest.mark.parametrize("is_mapped", [False, True])
def test_gives_back_what_was_collected(
    tmp_path: Path, entries: list[Entry], is_mapped: bool
) -> None:
    index = SplitIndex.of(iter(entries))
    fingerprint = index.fingerprint
    if is_mapped:
        index = reopened(index, tmp_path)
    assert len(index) == len(entries)
    assert index.fingerprint == fingerprint
    assert index.all_boxes.shape == (sum(len(entry.boxes) for entry in entries), 4)
    assert index.box_counts.tolist() == [len(entry.boxes) for entry in entries]
    for row, entry in enumerate(entries):
        assert (index.name(row), index.text(row)) == (entry.name, entry.text)
        assert index.labels[row] == entry.label
        assert index.boxes(row).tolist() == [list(box) for box in entry.boxes]
        assert tuple(index.sizes[row]) == entry.size
        assert tuple(index.crops[row]) == entry.crop


@pytest.mark.parametrize(
    "changed",
    [
        ENTRIES[1]._replace(label=1),
        ENTRIES[1]._replace(name="b.jpeg"),
        ENTRIES[1]._replace(boxes=[(0, 0, 1, 1)]),
        ENTRIES[1]._replace(size=(1, 1)),
        ENTRIES[1]._replace(text=""),
        ENTRIES[1]._replace(crop=(0, 0, 1, 1)),
    ],
)
def test_any_change_shows_in_the_fingerprint(changed: Entry) -> None:
    before, after = SplitIndex.of(ENTRIES), SplitIndex.of([ENTRIES[0], changed, ENTRIES[2]])
    assert before.fingerprint != after.fingerprint
    assert before.fingerprint == SplitIndex.of(ENTRIES).fingerprint


def test_order_shows_in_the_fingerprint() -> None:
    assert SplitIndex.of(ENTRIES).fingerprint != SplitIndex.of(ENTRIES[::-1]).fingerprint


def test_a_mapped_index_travels_by_its_path(tmp_path: Path) -> None:
    index = reopened(SplitIndex.of([Entry(f"{n:09d}.jpg", 0) for n in range(20_000)]), tmp_path)
    letter = pickle.dumps(index)
    assert len(letter) < 1000
    assert pickle.loads(letter).name(19_999) == "000019999.jpg"
    assert len(pickle.loads(pickle.dumps(SplitIndex.of(ENTRIES)))) == 3


def test_another_format_is_refused(tmp_path: Path) -> None:
    reopened(SplitIndex.of(ENTRIES), tmp_path)
    (tmp_path / "split" / "split.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="has format 99"):
        SplitIndex.open(tmp_path / "split")
