from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from twins import make_folders

from gapcam.data.folders import Folders
from gapcam.data.map_files import MapFolder
from gapcam.errors import UserError

NAMES = ["n01/a.JPEG", "n01/b.JPEG", "n02/c.JPEG"]


def write(folder: Path, files: Sequence[str]) -> Path:
    """Maps of one cell that hold their number."""
    for number, file in enumerate(files):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path.with_name(path.name + ".npy"), np.array([[number]]))
        path.with_name(path.name + ".npy").rename(path)
    return folder


@pytest.mark.parametrize(
    "files",
    [
        ["n01/a.JPEG.npy", "n01/b.JPEG.npy", "n02/c.JPEG.npy"],
        ["n01/a.npy", "n01/b.npy", "n02/c.npy"],
        ["a.npy", "b.npy", "c.npy"],
        ["a.JPEG.npy", "b.JPEG.NPY", "n02/c.npy"],
        ["scoremaps/n01/a.JPEG.npy", "scoremaps/n01/b.JPEG.npy", "scoremaps/n02/c.JPEG.npy"],
        ["val/n01/a.npy", "n01/b.npy", "c.npy"],
    ],
)
def test_maps_are_found_by_the_names_of_their_images(tmp_path: Path, files: list[str]) -> None:
    maps = MapFolder(write(tmp_path, files), NAMES)
    assert [(int(values), index) for values, index in (maps[row] for row in range(3))] == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]
    assert maps.notes() == maps.notes_of_reading() == []


def test_the_own_folder_decides_between_equal_names(tmp_path: Path) -> None:
    names = ["x.jpg", "n1/x.jpg", "n2/x.jpg", "y.jpg", "y.png", "n1.v2/x"]
    files = ["n2/x.npy", "n1/x.jpg.npy", "x.npy", "y.png.npy", "y.jpg.npy", "n1.v2/x.npy"]
    maps = MapFolder(write(tmp_path, files), names)
    assert [int(maps[row].map) for row in range(6)] == [2, 1, 0, 4, 3, 5]


def test_images_of_one_name_share_a_map(tmp_path: Path) -> None:
    maps = MapFolder(write(tmp_path, ["a.npy", "b.npy"]), ["b.jpg", "a.jpg", "b.jpg"])
    assert [int(maps[row].map) for row in range(3)] == [1, 0, 1]


@pytest.mark.parametrize(
    ("files", "names", "message"),
    [
        ([], NAMES, r"holds no heat map: no \.npy, \.png, \.pt file"),
        (["a.txt"], NAMES, r"holds no heat map"),
        (
            ["n01/a.npy", "z.npy"],
            NAMES,
            r"2 of 3 images have no map in .*: n01/b\.JPEG, n02/c\.JPEG\. For the first one looked "
            r"for n01/b\.JPEG\.npy, n01/b\.npy, b\.JPEG\.npy, b\.npy, and \.png and \.pt instead .*"
            r"; the folder holds n01/a\.npy, z\.npy$",
        ),
        (["n01/a.npy"], [f"n01/{i}.jpg" for i in "bcdef"], r"n01/b.jpg, n01/c.jpg, n01/d.jpg, …\."),
        (["n02/a.npy"], ["n01/a.JPEG"], r"1 of 1 images have no map"),  # another folder's
        (["a.npy"], ["n01/a.JPEG", "n02/a.JPEG"], r"a\.npy in .* n01/a\.JPEG or n02/a\.JPEG: name"),
        (["a.npy", "n02/a.npy"], ["n01/a.JPEG", "n02/a.JPEG"], r"a\.npy in .* may be the map of"),
        (["a.npy"], ["a.jpg", "a.png"], r"a\.npy in .* may be the map of a\.jpg or a\.png"),
        (["a.npy", "a.pt"], ["a.jpg"], r"a\.jpg has several maps in .*: a\.npy, a\.pt\. Keep one"),
        (["a.npy", "a.jpg.npy"], ["a.jpg"], r"a\.jpg has several maps in .*a\.jpg\.npy, a\.npy"),
        (["val/a.npy", "test/a.npy"], ["a.jpg"], r"a\.jpg has several maps"),
    ],
)
def test_what_is_missing_or_unclear_is_said_before_anything_is_read(
    tmp_path: Path, files: list[str], names: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        MapFolder(write(tmp_path, files), names)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Cannot list the heat maps in .*nowhere"):
        MapFolder(tmp_path / "nowhere", NAMES)


def test_superfluous_files_are_said(tmp_path: Path) -> None:
    files = ["a.npy", "b.npy", "c.npy", "readme.txt", "e/z.npy"]
    assert MapFolder(write(tmp_path, files), NAMES).notes() == ["1 file is no image's map: e/z.npy"]
    write(tmp_path, ["y.png", "x.npy", "w.pt"])
    assert MapFolder(tmp_path, NAMES).notes() == [
        "4 files are no image's map: e/z.npy, w.pt, x.npy, …"
    ]


def test_what_was_read_is_counted(tmp_path: Path) -> None:
    for name, shape in [("a", (2, 3)), ("b", (5, 4)), ("c", (3, 3))]:
        values = np.zeros(shape)
        values[0, 0] = {"a": np.nan, "b": 0, "c": np.inf}[name]
        np.save(tmp_path / name, values)
    maps = MapFolder(tmp_path, NAMES)
    assert maps.largest == (0, 0)
    for _ in range(2):
        assert [tuple(maps[row].map.shape) for row in range(3)] == [(2, 3), (5, 4), (3, 3)]
    assert maps.largest == (5, 4)
    assert maps.notes_of_reading() == ["2 maps hold NaN or infinity and find nothing: a.npy, c.npy"]


def test_long_listings_give_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gapcam.data.map_files.PROGRESS_EVERY", 2)
    seen: list[int] = []
    MapFolder(write(tmp_path, ["a.npy", "b.npy", "c.npy", "d.npy", "e.txt"]), NAMES, seen.append)
    assert seen == [2, 4]


def test_loaders_read_maps_of_a_split(tmp_path: Path) -> None:
    data = Folders(
        root=make_folders(tmp_path / "twin", each=10),
        title="twin",
        size=(16, 20),
        train_per_class=9,
        batch_size=3,
        eval_batch_size=3,
        num_workers=0,
        seed=0,
        flip=True,
    )
    data.setup()
    names = [data.val.name(row) for row in range(len(data.val))]
    maps = MapFolder(write(tmp_path / "maps", [f"{name}.npy" for name in names]), names)
    batches = list(DataLoader(maps, batch_size=2, num_workers=1))
    assert torch.cat([batch.index for batch in batches]).tolist() == list(range(len(names)))
    found = torch.cat([batch.map for batch in batches])
    assert found.flatten().tolist() == list(range(len(names)))
