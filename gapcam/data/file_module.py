"""What data sets on disk share: finding the folder, the index, and splits of picture files."""

import json
import sys
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gapcam.data import cache as index_cache
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.faults import explained, index_faults, raise_faults
from gapcam.data.headers import LOOKED_AT, PROGRESS_EVERY, header_faults
from gapcam.data.image_files import ImageFiles
from gapcam.data.index import Entry, SplitIndex
from gapcam.data.settings import require_size
from gapcam.data.transforms import usual_side
from gapcam.data.tree import Layout, Tree, find_layout
from gapcam.errors import UserError


class Listing(NamedTuple):
    """A split as a reader lists it: the `folder` of its pictures below the root, its entries."""

    folder: str
    entries: Iterable[Entry]


class FileDataModule(DataModule):
    """A data set of picture files in a folder.

    The folder is read once into an index (`gapcam.data.cache`), which is renewed when a folder, a
    list or an annotation has changed. A split that a data set does not have is stood in for:
    `val` by `test`, and `test` by `val`.

    Subclasses say what they look for (`title`, `layouts`, `remedy`, `published`) and provide
    `read_classes` and `read_splits`.

    Args:
        root: the folder of the data set, or one near it.
        resize: side to which pictures are brought before crops are cut; null for the paper's 256,
            or 8/7 of the view where that is smaller than 224 or larger than 256.
        cache: folder of the indexes; null for the user's cache folder.
        skip_broken: a file: training pictures that cannot be read are listed there and left out;
            null: training stops at the first.
        stream: folder or address of shards (`python -m gapcam.data shards`): training pictures come
            from there, and need not lie in `root`.
        choices: settings of the subclass that decide what is read.
        kwargs: see `DataModule`.
    """

    title: str
    """Name of the data set, for people."""

    layouts: Sequence[Layout]
    """The ways it may be arranged, the preferred one first."""

    remedy: str
    """How to get it: a command or what to do by hand."""

    published: Mapping[str, int] = {}
    """Its official counts: samples of each split, and `classes`."""

    landmarks: Mapping[int, str] = {}
    """Class indices that everybody agrees on, checked if all classes are there."""

    def __init__(
        self,
        *,
        root: str | Path,
        resize: int | None = None,
        cache: str | Path | None = None,
        skip_broken: str | Path | None = None,
        stream: str | None = None,
        choices: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        size = require_size(kwargs["size"])
        if resize is None:
            resize = usual_side(size)
        super().__init__(resize=resize, **kwargs)
        if not str(root):
            raise UserError("data.root is empty: give the folder of the data set")
        if stream is not None and skip_broken is not None:
            raise UserError("data.skip_broken is for picture files; shards hold what could be read")
        self.root = Path(root).expanduser()
        self.cache = index_cache.default_folder() if cache is None else Path(cache).expanduser()
        self.skipped = None if skip_broken is None else Path(skip_broken).expanduser()
        self.stream = stream
        self.choices = dict(choices or {})

    @abstractmethod
    def read_classes(self, tree: Tree) -> list[str]:
        """Names of the classes, in the order of their labels."""

    @abstractmethod
    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        """The splits that the data set has, of `train`, `val` and `test`.

        What is wrong but does not keep from reading on goes to `tree.fault`.
        """

    def find(self) -> Tree:
        """Find the data set in or near `root`.

        Raises:
            UserError: if it is not there.
        """
        return find_layout(self.root, self.layouts, self.title, self.remedy)

    def load_splits(self) -> None:
        with explained(self.title, self.root):
            tree = self.find()
            contents = index_cache.open_contents(self._index_folder(tree), tree)
            if contents is None:
                tree = self.find()  # with fresh stamps
                contents = self.read(tree)
                raise_faults(tree)
                contents = self.keep(tree, contents)
        self.take(tree, contents)

    def read(self, tree: Tree) -> index_cache.Contents:
        """Read everything, whatever is in the cache.

        Raises:
            UserError: if so much is wrong that it cannot be read.
        """
        class_names = self.read_classes(tree)
        if len(class_names) == self.published.get("classes"):
            self._check_landmarks(class_names)
        counted = self._counted(self.read_splits(tree, class_names))
        parts = {
            split: index_cache.Part(folder, SplitIndex.of(entries))
            for split, (folder, entries) in counted
        }
        for split, part in parts.items():
            index_faults(tree, split, part.folder, part.index, len(class_names))
            if not tree.faults:
                self.look_at(tree, part, split)
            if not tree.faults and not len(part.index):
                raise UserError(
                    f"The {split} split of {self.title} in {tree.root} is empty. {self.remedy}"
                )
        return index_cache.Contents(class_names, parts)

    def keep(self, tree: Tree, contents: index_cache.Contents) -> index_cache.Contents:
        """Write the index, so that the next start need not read; returns it, mapped."""
        folder = self._index_folder(tree)
        try:
            return index_cache.save_contents(folder, tree, contents)
        except (OSError, UserError) as error:
            print(
                f"The index of {self.title} cannot be kept in {folder} ({error}): it is made again "
                "at every start. Give a folder that can be written as data.cache",
                file=sys.stderr,
            )
            return contents

    def take(self, tree: Tree, contents: index_cache.Contents) -> None:
        """Make the splits of what was read."""
        self.tree = tree
        self.class_names = contents.class_names
        splits = {name: self.open_split(name, part) for name, part in contents.splits.items()}
        if "train" in splits:
            splits["train"].skipped = self.skipped
        self.train = splits["train"] if self.stream is None else self._streamed(self.stream)
        self.val = splits["val" if "val" in splits else "test"]
        self.test = splits["test" if "test" in splits else "val"]

    def open_split(self, name: str, part: index_cache.Part) -> LocalizationDataset:
        """A split of picture files; data sets that keep theirs otherwise override this."""
        folder = self.tree.root / part.folder
        return ImageFiles(folder, part.index, self.views, self.seed, name)

    def train_dataloader(self) -> Any:
        if self.stream is None:
            return super().train_dataloader()
        from gapcam.data.stream import StreamLoader

        assert self.trainer is not None
        trainer = self.trainer
        split: Any = self.train
        return StreamLoader(
            split,
            epoch=lambda: trainer.current_epoch,
            samples_seen=self._samples_seen,
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            pin_memory=torch.cuda.is_available(),
            drop_last=len(self.train) > self.batch_size,
        )

    def describe(self) -> str:
        where = "" if self.tree.root == self.root else f" in {self.tree.root}"
        return super().describe() + where

    def train_choices(self) -> str:
        """What decides which pictures train, for shards to say whose they are."""
        return json.dumps([type(self).__name__, self.choices], sort_keys=True, default=str)

    def notes(self) -> list[str]:
        return [*super().notes(), *self._partial(), *self._left_out()]

    def _partial(self) -> Iterator[str]:
        """What is missing of the published data set: its numbers are not those of others."""
        parts = {part.split: len(part) for part in (self.train, self.val, self.test)}
        parts["classes"] = self.num_classes
        differ = [
            f"{name} {count:,} of {self.published[name]:,}"
            for name, count in parts.items()
            if count != self.published.get(name, count)
        ]
        if differ:
            yield f"not the whole {self.title}: {', '.join(differ)}"

    def _left_out(self) -> Iterator[str]:
        if self.skipped is None or not self.skipped.is_file():
            return
        lines = self.skipped.read_text(encoding="utf-8").splitlines()
        listed = {line.partition("\t")[0] for line in lines}
        count = sum(self.train.name(row) in listed for row in range(len(self.train)))
        if count:
            yield f"{count} broken training pictures were left out, see {self.skipped}"

    def look_at(self, tree: Tree, part: index_cache.Part, split: str) -> None:
        """Read headers of pictures, see `header_faults`; all of those that are evaluated."""
        most = LOOKED_AT if split == "train" else None
        header_faults(tree, part.folder, part.index, most, self.on_progress)

    def _streamed(self, where: str) -> Any:
        try:
            from gapcam.data.stream import StreamedSplit
        except ImportError as error:
            raise UserError("data.stream needs litdata: pip install 'gapcam[stream]'") from error
        return StreamedSplit(where, self.views, self.seed, self.class_names, self.train_choices())

    def _index_folder(self, tree: Tree) -> Path:
        key = {
            "reader": type(self).__name__,
            "choices": self.choices,
            "streams": self.stream is not None,
            # What a changed reader has read before is not what it would read.
            "code": index_cache.digest_of_readers(),
        }
        return index_cache.index_folder(self.cache, tree, key)

    def _check_landmarks(self, class_names: Sequence[str]) -> None:
        for label, name in self.landmarks.items():
            if class_names[label] != name:
                raise UserError(
                    f"Class {label} of {self.title} must be {name}, but is {class_names[label]}: "
                    f"the classes are not in their published order. {self.remedy}"
                )

    def _counted(self, splits: Mapping[str, Listing]) -> Iterator[tuple[str, Listing]]:
        total = 0

        def counted(entries: Iterable[Entry]) -> Iterator[Entry]:
            nonlocal total
            for entry in entries:
                total += 1
                if total % PROGRESS_EVERY == 0:
                    self.on_progress(total)
                yield entry

        for name, listing in splits.items():
            if name == "train" and self.stream is not None:
                continue
            yield name, Listing(listing.folder, counted(listing.entries))
