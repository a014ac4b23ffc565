"""Heat maps on disk, made by any program: one file for each image of a split."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, NoReturn

from torch import Tensor
from torch.utils.data import Dataset

from gapcam.data.read_map import SUFFIXES, read_map
from gapcam.errors import UserError

PROGRESS_EVERY = 5000
"""Files between two signs of life."""

_NAMED = 3  # so many examples are given


class MapSample(NamedTuple):
    """`map` `(h, w)` float32, and the `index` of its image in the split."""

    map: Tensor
    index: int  # type: ignore[assignment]  # tuple.index is not used


class MapFolder(Dataset[MapSample]):
    """The heat maps of a split's images, in the order of the split.

    The map of `n01/x.JPEG` is `n01/x.JPEG.npy`, `n01/x.npy`, or either below further folders
    (`val/n01/x.npy`) or above its own (`x.npy`), if no other image or file could be meant. Instead
    of `.npy` it may be `.png` or `.pt`; see `gapcam.data.read_map.read_map`. Maps may have
    different shapes. NaN and infinity are let through, counted, and named by `notes_of_reading`.

    Args:
        folder: of the maps.
        names: of the images, as `LocalizationDataset.name` has them; images of one name (a picture
            with several captions) share a map.
        on_progress: told how many files were seen so far.

    Attributes:
        superfluous: files that are no image's map, below the folder.
        largest: height and width of the largest map that this process has read.

    Raises:
        UserError: if images have no map, or it is not clear which; names some, and what was looked
            for.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self.names = names
        files = _Files(folder, on_progress)
        found = files.of_images(list(dict.fromkeys(names)))
        self._files = [found[name] for name in names]
        self.superfluous = sorted(files.all - set(self._files))
        self.largest = (0, 0)
        self._not_finite: set[int] = set()

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, row: int) -> MapSample:
        """Read one map.

        Raises:
            UserError: if the file cannot be read or holds something else.
        """
        values = read_map(self.folder / self._files[row])
        if not values.isfinite().all():
            self._not_finite.add(row)
        height, width = values.shape
        self.largest = max(self.largest, (height, width), key=lambda size: size[0] * size[1])
        return MapSample(values, row)

    def notes(self) -> list[str]:
        """What somebody who reads the numbers must know; mostly nothing."""
        if not self.superfluous:
            return []
        count = len(self.superfluous)
        are = "file is no image's map" if count == 1 else "files are no image's map"
        return [f"{count:,} {are}: {_some(self.superfluous)}"]

    def notes_of_reading(self) -> list[str]:
        """The same of what this process has read."""
        if not self._not_finite:
            return []
        files = sorted({self._files[row] for row in self._not_finite})
        hold = "map holds" if len(files) == 1 else "maps hold"
        return [f"{len(files):,} {hold} NaN or infinity and find nothing: {_some(files)}"]


class _Files:
    """What a folder holds, by path without the suffix of the map."""

    def __init__(self, folder: Path, on_progress: Callable[[int], None]) -> None:
        self.folder = folder
        self.all: set[str] = set()
        self._by_key: defaultdict[str, list[str]] = defaultdict(list)
        self._by_end: defaultdict[str, list[str]] = defaultdict(list)
        for file in _listed(folder):
            key = file.rpartition(".")[0]
            self.all.add(file)
            self._by_key[key].append(file)
            for end in _ends(key):
                self._by_end[end].append(file)
            if len(self.all) % PROGRESS_EVERY == 0:
                on_progress(len(self.all))
        if not self.all:
            raise UserError(f"{folder} holds no heat map: no {', '.join(SUFFIXES)} file")

    def of_images(self, names: Sequence[str]) -> dict[str, str]:
        """The file of each image.

        Raises:
            UserError: see `MapFolder`.
        """
        exact = {name: self._exact(name) for name in names}
        near = {name: self._near(name) for name in names}
        users: defaultdict[str, list[str]] = defaultdict(list)
        for name in names:
            for file in dict.fromkeys(exact[name] + near[name]):
                users[file].append(name)
        found = {}
        for name in names:
            files = sorted(exact[name] or near[name])
            if len(files) > 1:
                raise UserError(
                    f"{name} has several maps in {self.folder}: {_some(files)}. Keep one of them."
                )
            for file in files:
                rivals = [user for user in users[file] if not exact[name] or file in exact[user]]
                if len(rivals) > 1:
                    raise UserError(
                        f"{file} in {self.folder} may be the map of {' or '.join(rivals[:2])}: "
                        f"name the maps as their images, {rivals[0]}.npy"
                    )
                found[name] = file
        missing = [name for name in names if name not in found]
        if missing:
            self._refuse(missing, len(names))
        return found

    def _refuse(self, missing: Sequence[str], images: int) -> NoReturn:
        keys = _keys(missing[0])
        tried = [f"{key}.npy" for key in (*keys, *(end for key in keys for end in _ends(key)))]
        raise UserError(
            f"{len(missing):,} of {images:,} images have no map in {self.folder}: "
            f"{_some(missing)}. For the first one looked for {', '.join(tried)}, and .png and "
            f".pt instead of .npy; the folder holds {_some(sorted(self.all))}"
        )

    def _exact(self, name: str) -> list[str]:
        return [file for key in _keys(name) for file in self._by_key.get(key, ())]

    def _near(self, name: str) -> list[str]:
        """Files below further folders, or above the image's own."""
        keys = _keys(name)
        above = [file for key in keys for end in _ends(key) for file in self._by_key.get(end, ())]
        return above + [file for key in keys for file in self._by_end.get(key, ())]


def _listed(folder: Path) -> Iterator[str]:
    """Paths of all maps below a folder."""

    def refuse(error: OSError) -> None:
        raise UserError(f"Cannot list the heat maps in {folder}: {error}") from error

    for where, _, files in os.walk(folder, onerror=refuse, followlinks=True):
        below = Path(where).relative_to(folder)
        for file in files:
            if file.lower().endswith(SUFFIXES):
                yield (below / file).as_posix()


def _keys(name: str) -> tuple[str, ...]:
    """Name of an image with its extension and without."""
    bare = str(PurePosixPath(name).with_suffix(""))
    return (name,) if bare == name else (name, bare)


def _ends(path: str) -> Iterator[str]:
    """A path without its first folder, without its first two, and so on."""
    while "/" in path:
        path = path.partition("/")[2]
        yield path


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
