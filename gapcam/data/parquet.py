"""Pictures inside parquet files, as Hugging Face publishes ILSVRC/imagenet-1k.

    root/data/train-00000-of-00294.parquet
      image   {bytes, path: n01440764_10026_n01440764.JPEG}
      label   int64, in the order of the sorted WordNet ids

One picture cannot be read without its row group, some hundred pictures: evaluation, which goes
through them in order, hardly notices; training in random order does, and is better off with shards
(`python -m gapcam.data shards`).
"""

import io
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from gapcam.cam.views import Size
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.decode import decode_fast, decode_rgb
from gapcam.data.index import SplitIndex
from gapcam.data.transforms import Views
from gapcam.data.tree import Tree
from gapcam.errors import UserError

_NAME = re.compile(r"(?P<stem>.+?)_(?P<wnid>n\d{8})$")
_GROUPS_KEPT = 2


class Row(NamedTuple):
    """A picture in a parquet file: its `name` there, the file's original `stem`, and its labels."""

    name: str
    stem: str
    wnid: str
    label: int


def read_rows(tree: Tree, folder: str, files: list[str]) -> Iterator[Row]:
    """List the pictures of parquet files without reading them.

    Raises:
        UserError: if a file is broken or has other columns.
    """
    for file in files:
        tree.has(f"{folder}/{file}")  # so that the index notices changes
        try:
            with pq.ParquetFile(tree.root / folder / file) as source:
                table = source.read(columns=["label", "image.path"])
            labels = table.column("label").to_pylist()
            paths = [image["path"] for image in table.column("image").to_pylist()]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{tree.root / folder / file} is no parquet file with the columns image "
                f"{{bytes, path}} and label: {error}. Download this file again."
            ) from error
        for number, (label, path) in enumerate(zip(labels, paths, strict=True)):
            stem = Path(path or "").stem
            found = _NAME.match(stem)
            yield Row(
                f"{file}/{number}/{path or ''}",
                found["stem"] if found else stem,
                found["wnid"] if found else "",
                label,
            )


def read_class_names(path: Path) -> list[str]:
    """Names of the classes as Hugging Face writes them into its files; none if it did not."""
    metadata = pq.read_schema(path).metadata or {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        names: list[str] = features["label"]["names"]
    except (KeyError, ValueError):
        return []
    return [name.split(",")[0].strip() for name in names]


class ParquetImages(LocalizationDataset):
    """A split inside parquet files.

    Args:
        folder: of the files.
        index: whose names are `<file>/<row>/<name>`.
        views: how pictures become network input.
        seed: of the random crops.
        split: name of the split.
    """

    def __init__(
        self, folder: Path, index: SplitIndex, views: Views, seed: int, split: str
    ) -> None:
        super().__init__(index, views, seed, split)
        self.folder = folder

    def content(self, row: int) -> bytes:
        """The picture file itself."""
        file, number, _ = self.name(row).split("/", 2)
        return _content(str(self.folder / file), int(number))

    def picture(self, row: int) -> Image.Image:
        return decode_rgb(io.BytesIO(self.content(row)), self.name(row))

    def pixels(self, row: int, least: Size) -> tuple[NDArray[np.uint8], Size]:
        return decode_fast(self.content(row), least, self.name(row))


def _content(path: str, number: int) -> bytes:
    ends = _group_ends(path)
    group = bisect_right(ends, number)
    content: bytes = _group(path, group)[number - (ends[group - 1] if group else 0)].as_py()
    return content


@lru_cache(maxsize=4096)
def _group_ends(path: str) -> list[int]:
    metadata = pq.read_metadata(path)
    return list(accumulate(metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)))


@lru_cache(maxsize=_GROUPS_KEPT)
def _group(path: str, group: int) -> Any:
    with pq.ParquetFile(path, memory_map=True) as file:
        table = file.read_row_group(group, columns=["image.bytes"])
    return table.column("image").combine_chunks().field("bytes")
