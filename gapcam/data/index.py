"""What a split knows without opening a picture: names, labels, boxes, sizes, as plain arrays.

The arrays can be mapped from files: a split of a million pictures opens in milliseconds, and the
loader's processes share its pages instead of copying them.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_FORMAT = 1
_FACTS = "split.json"
_ARRAYS = {
    "names": np.uint8,
    "name_ends": np.int64,
    "labels": np.int32,
    "boxes": np.float32,
    "box_ends": np.int64,
    "sizes": np.int32,
    "crops": np.float32,
    "texts": np.uint8,
    "text_ends": np.int64,
}


class Entry(NamedTuple):
    """One sample as a reader finds it.

    `name` is the path of its picture below the split's folder, with forward slashes. `boxes` are
    half-open, in pixels of an image of `size` (height, width) as the annotation states it, `(0, 0)`
    if it does not. `text` is what is said about the picture: a caption, a question. `crop` is the
    part of the picture that is the sample, half-open; zeros for all of it.
    """

    name: str
    label: int
    boxes: Sequence[Sequence[float]] | NDArray[np.floating] = ()
    size: tuple[int, int] = (0, 0)
    text: str = ""
    crop: Sequence[float] | NDArray[np.floating] = (0, 0, 0, 0)


class SplitIndex:
    """The entries of a split, N samples, in memory or mapped from files.

    Attributes:
        fingerprint: digest of everything: two runs with the same one saw the same split.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]], fingerprint: str) -> None:
        self._arrays = arrays
        self.fingerprint = fingerprint
        self._folder: Path | None = None

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "SplitIndex":
        """Collect entries in one pass."""
        names, texts = bytearray(), bytearray()
        columns: dict[str, list[Any]] = {name: [] for name in _ARRAYS}
        for entry in entries:
            names += entry.name.encode()
            texts += entry.text.encode()
            columns["name_ends"].append(len(names))
            columns["text_ends"].append(len(texts))
            columns["labels"].append(entry.label)
            columns["boxes"].extend(entry.boxes)
            columns["box_ends"].append(len(columns["boxes"]))
            columns["sizes"].append(entry.size)
            columns["crops"].append(entry.crop)
        arrays = {name: np.array(columns[name], type_) for name, type_ in _ARRAYS.items()}
        arrays["names"] = np.frombuffer(bytes(names), np.uint8)
        arrays["texts"] = np.frombuffer(bytes(texts), np.uint8)
        arrays["boxes"] = arrays["boxes"].reshape(-1, 4)
        arrays["sizes"] = arrays["sizes"].reshape(-1, 2)
        arrays["crops"] = arrays["crops"].reshape(-1, 4)
        digest = hashlib.sha256()
        for name in _ARRAYS:
            digest.update(arrays[name].tobytes())
        return cls(arrays, digest.hexdigest()[:16])

    @classmethod
    def open(cls, folder: Path) -> "SplitIndex":
        """Map what `save` wrote.

        Raises:
            OSError: if a file is missing.
            ValueError: if one is cut short or of another format.
        """
        facts = json.loads((folder / _FACTS).read_text())
        if facts.get("format") != _FORMAT:
            raise ValueError(f"{folder} has format {facts.get('format')}")
        # As plain arrays: a memmap is slow to slice.
        arrays = {n: np.asarray(np.load(folder / f"{n}.npy", mmap_mode="r")) for n in _ARRAYS}
        index = cls(arrays, facts["fingerprint"])
        index._folder = folder
        return index

    def save(self, folder: Path) -> None:
        """Write the arrays as .npy files into a new folder."""
        folder.mkdir(parents=True)
        for name, array in self._arrays.items():
            np.save(folder / f"{name}.npy", array)
        facts = {"format": _FORMAT, "fingerprint": self.fingerprint, "samples": len(self)}
        (folder / _FACTS).write_text(json.dumps(facts))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labels(self) -> NDArray[np.int32]:
        """Class of each sample, `(N,)`."""
        return self._arrays["labels"]

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Annotated height and width of each picture, `(N, 2)`; zeros where unknown."""
        return self._arrays["sizes"]

    @property
    def crops(self) -> NDArray[np.float32]:
        """Parts of the pictures that are the samples, `(N, 4)`; zeros for whole pictures."""
        return self._arrays["crops"]

    @property
    def all_boxes(self) -> NDArray[np.float32]:
        """The boxes of all samples, one after the other."""
        return self._arrays["boxes"]

    @property
    def box_counts(self) -> NDArray[np.int64]:
        """How many true boxes each sample has, `(N,)`."""
        return np.diff(self._arrays["box_ends"], prepend=0)

    def name(self, row: int) -> str:
        """Path of a picture below the split's folder."""
        return str(self._part("names", "name_ends", row).tobytes(), "utf-8")

    def text(self, row: int) -> str:
        """What is said about a picture; mostly nothing."""
        return str(self._part("texts", "text_ends", row).tobytes(), "utf-8")

    def boxes(self, row: int) -> NDArray[np.float32]:
        """True boxes of a sample, `(G, 4)`, half-open, in the frame of its annotated size."""
        return self._part("boxes", "box_ends", row)

    def _part(self, values: str, ends: str, row: int) -> NDArray[Any]:
        bounds = self._arrays[ends]
        return self._arrays[values][bounds[row - 1] if row else 0 : bounds[row]]

    def __getstate__(self) -> dict[str, Any]:
        # A process that starts afresh maps the files itself instead of being sent the arrays.
        return {"_folder": self._folder} if self._folder else self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        folder = state["_folder"]
        self.__dict__.update(SplitIndex.open(folder).__dict__ if folder else state)
