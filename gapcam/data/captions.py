"""Pictures with captions, and a phrase to look for in them: a concept from weak labels.

`gapcam.data.caption_files` shows the layouts that are read.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from gapcam.data.caption_files import (
    COCO,
    LINES,
    TABLE,
    URLS,
    Captioned,
    read_coco,
    read_sbu,
    read_table,
)
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.draws import divide
from gapcam.data.faults import raise_faults
from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.index import Entry
from gapcam.data.phrases import has_phrase, has_word, near
from gapcam.data.settings import require_whole
from gapcam.data.tree import Layout, Tree
from gapcam.errors import UserError

ALL = "all"
"""For `phrase`: every picture, for a study that looks for several phrases."""


class Captions(FileDataModule):
    """Pictures with a phrase in a caption, against pictures with none of its words in any.

    Args:
        phrase: looked for as whole words, in any case; needed to train, not for `pairs`. `all`, for
            a study of several phrases: every picture in one class, on which no network trains or is
            tested.
        negatives_per_positive: so many pictures without the phrase are drawn for each one with it.
        test_share: of the pictures that tests, where a layout does not say which.
        kwargs: see `FileDataModule`.

    Raises:
        UserError: if a setting is out of range.
    """

    title = "captioned pictures"
    layouts = (
        Layout("table", (TABLE,)),
        Layout("COCO 2014", (COCO.format("train2014"), COCO.format("val2014"))),
        Layout("SBU", (URLS, LINES)),
    )
    remedy = "docs/data/captions.md shows the layouts, and where COCO and SBU come from."

    def __init__(
        self,
        *,
        phrase: str | None,
        negatives_per_positive: int = 1,
        test_share: float = 0.2,
        **kwargs: Any,
    ) -> None:
        self.phrase = " ".join(str(phrase or "").split())
        self.has_all = self.phrase.lower() == ALL
        self.negatives_per_positive = negatives_per_positive
        self.test_share = test_share
        draw = [ALL] if self.has_all else [self.phrase, negatives_per_positive]
        super().__init__(choices={"draw": [*draw, test_share]}, **kwargs)
        require_whole("negatives_per_positive", negatives_per_positive, 1)
        if not 0 < test_share < 1:
            raise UserError(f"data.test_share must lie between 0 and 1; got {test_share}")

    def pairs(self) -> Iterator[tuple[Path, list[str]]]:
        """Every picture with its captions, whatever the phrase.

        Raises:
            UserError: if the data are missing or wrong.
        """
        tree = self.find()
        pools = self._pools(tree)
        raise_faults(tree)
        for pool in pools.values():
            for name in sorted(pool):
                yield tree.root / name, pool[name]

    def describe(self) -> str:
        if not self.has_all:
            return super().describe()
        return f"{len(self.train):,} captioned pictures that train, {len(self.test):,} that test"

    def train_loader(self, *args: Any, **kwargs: Any) -> DataLoader[Any]:
        self._require_one()
        return super().train_loader(*args, **kwargs)

    def evaluation_loader(self, split: LocalizationDataset) -> DataLoader[Any]:
        self._require_one()
        return super().evaluation_loader(split)

    def read_classes(self, tree: Tree) -> list[str]:
        if not self.phrase:
            raise UserError(
                "data.phrase is not set: the words that captions of one class have in them, such "
                "as 'data.phrase=mirror in lake'; or data.phrase=all for a study of several"
            )
        if self.has_all:
            return ["captioned"]
        return [f"no {self.phrase}", self.phrase]

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        pools = self._pools(tree)
        is_split = len(pools) > 1
        if self.has_all:
            sides = [[_entries(sorted(pool), 0, pool)] for pool in pools.values()]
        else:
            sides = [self._sides(tree, *item, 1 if is_split else 2) for item in pools.items()]
        if not is_split:
            divided = [self._divided(side) for side in sides[0]]
            sides = [list(part) for part in zip(*divided, strict=True)]
        chosen = zip(("train", "test"), sides, strict=True)
        return {split: Listing("", chain(*entries)) for split, entries in chosen}

    def _pools(self, tree: Tree) -> dict[str, Captioned]:
        """What is split from the start: by folder, or all of it."""
        if tree.layout == "COCO 2014":
            return {folder: read_coco(tree, folder) for folder in ("train2014", "val2014")}
        return {"": read_table(tree) if tree.layout == "table" else read_sbu(tree)}

    def _sides(self, tree: Tree, where: str, pool: Captioned, least: int) -> list[list[Entry]]:
        """Pictures without and with the phrase; raises if one side is too small."""
        with_phrase, with_word = has_phrase(self.phrase), has_word(self.phrase)
        names = sorted(pool)
        positives = [name for name in names if any(map(with_phrase.search, pool[name]))]
        if len(positives) < least:
            raise_faults(tree)  # pictures that are not there may be why
            raise UserError(
                f"{len(positives)} of the {len(pool):,} captioned pictures in {tree.root / where} "
                f"have {self.phrase!r} in a caption: expected {least} at least. "
                f"Words there that come near: {near(self.phrase, map(' '.join, pool.values()))}"
            )
        others = [name for name in names if not any(map(with_word.search, pool[name]))]
        wanted = len(positives) * self.negatives_per_positive
        if len(others) < wanted:
            raise_faults(tree)
            raise UserError(
                f"{len(others):,} captioned pictures in {tree.root / where} have none of the words "
                f"of {self.phrase!r}, but {wanted:,} are needed: "
                f"{self.negatives_per_positive} for each of the {len(positives):,} with it. Lower "
                "data.negatives_per_positive or choose a rarer phrase"
            )
        negatives, _ = divide(others, wanted, 0)
        return [_entries(side, label, pool) for label, side in enumerate((negatives, positives))]

    def _require_one(self) -> None:
        """Refuse a network that would learn to tell one class from nothing."""
        if self.has_all:
            raise UserError(
                "data.phrase=all is for python -m gapcam.study; a network trains and is tested on "
                "one phrase: give its words"
            )

    def _divided(self, entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
        """Training and test part of two entries or more, the same on every machine."""
        tests = min(max(round(len(entries) * self.test_share), 1), len(entries) - 1)
        test, train = divide(entries, tests, 1)
        return train, test


def _entries(names: Sequence[str], label: int, pool: Captioned) -> list[Entry]:
    return [Entry(name, label, text="\n".join(pool[name])) for name in names]
