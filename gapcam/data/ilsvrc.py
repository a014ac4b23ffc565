"""ILSVRC-2012 (ImageNet), classification and localization, in the layouts people have.

    root/                                                Kaggle: all of it, with boxes
      LOC_synset_mapping.txt                             wnid name, other name, ...
      LOC_val_solution.csv                               ImageId, wnid xmin ymin xmax ymax ...
      ILSVRC/Data/CLS-LOC/train/<wnid>/*.JPEG
      ILSVRC/Data/CLS-LOC/val/*.JPEG
      ILSVRC/Annotations/CLS-LOC/{train/<wnid>,val}/*.xml

    root/                                                torchvision, or flat: val/*.JPEG
      train/<wnid>/*.JPEG
      val/<wnid>/*.JPEG
      bbox/val/*.xml                                     ILSVRC2012_bbox_val_v3.tgz, for boxes

    root/data/train-00000-of-00294.parquet               Hugging Face: ILSVRC/imagenet-1k
    root/data/validation-00000-of-00014.parquet          with LOC_val_solution.csv also boxes

The class index is the rank of the sorted WordNet ids, as in torchvision, timm and the released
Caffe models; the devkit's own ids are others. The labels of the official test pictures are not
public: as in the paper, numbers are those of the validation set, which stands in for it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torchvision.models._meta import _IMAGENET_CATEGORIES

from gapcam.data.cache import Part
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.ilsvrc_truth import Truth, read_blacklist, read_truth
from gapcam.data.index import Entry
from gapcam.data.settings import require_choice
from gapcam.data.tree import Layout, Tree
from gapcam.errors import UserError

LANDMARKS = {"n01440764": 0, "n02099601": 207, "n15075141": 999}
"""Class indices everybody agrees on: tench, golden retriever, toilet tissue."""

MAPPING = "LOC_synset_mapping.txt"


class ILSVRC(FileDataModule):
    """ILSVRC-2012: 1,281,167 training and 50,000 validation pictures of 1000 classes.

    Args:
        train_boxes: read the boxes of training pictures too (544,546 have some).
        blacklist: the devkit's `ILSVRC2014_clsloc_validation_blacklist.txt`: validation pictures
            whose boxes are left out, so that localization is not scored on them.
        kwargs: see `FileDataModule`.
    """

    title = "ILSVRC-2012"
    layouts = (
        Layout("Kaggle", ("ILSVRC/Data/CLS-LOC/train", "ILSVRC/Data/CLS-LOC/val")),
        Layout("torchvision", ("train/n*", "val/n*")),
        Layout("flat", ("train/n*", "val/*_val_*")),
        Layout("parquet", ("data/train-*.parquet", "data/val*.parquet")),
    )
    remedy = (
        "The layout with boxes is that of the Kaggle download "
        "'imagenet-object-localization-challenge': unzip it and give the folder that holds ILSVRC/ "
        "and LOC_val_solution.csv as data.root=... (docs/data/ilsvrc.md)"
    )
    published = {"train": 1281167, "val": 50000, "classes": 1000}

    def __init__(
        self, *, train_boxes: bool = False, blacklist: str | Path | None = None, **kwargs: Any
    ) -> None:
        self.blacklist = None if blacklist is None else Path(blacklist).expanduser().absolute()
        self.train_boxes = train_boxes
        require_choice("train_boxes", train_boxes, (True, False))
        choices = {"train_boxes": train_boxes, "blacklist": str(self.blacklist)}
        super().__init__(choices=choices, **kwargs)

    def train_choices(self) -> str:
        return "ILSVRC"  # boxes and blacklist change no training picture

    def find(self) -> Tree:
        refuse_imagenet_v2(self.root)
        return super().find()

    def read_classes(self, tree: Tree) -> list[str]:
        if tree.layout == "parquet":
            names: list[str] = _parquet(tree).class_names(tree)
            return names
        self.wnids, names = _classes(tree)
        if len(self.wnids) == self.published["classes"]:
            for wnid, index in LANDMARKS.items():
                if self.wnids[index] != wnid:
                    raise UserError(
                        f"The classes in {tree.root} are not ILSVRC-2012's: class {index} of the "
                        f"sorted WordNet ids must be {wnid}, but is {self.wnids[index]}"
                    )
        return names

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        if tree.layout == "parquet":
            packed, without = _parquet(tree), self._without_boxes(tree)
            return {
                split: Listing(packed.FOLDER, packed.entries(tree, split, without))
                for split in ("train", "val")
            }
        pictures = "ILSVRC/Data/CLS-LOC" if tree.layout == "Kaggle" else "."
        rank = {wnid: index for index, wnid in enumerate(self.wnids)}
        return {
            "train": Listing(f"{pictures}/train", self._train(tree, f"{pictures}/train", rank)),
            "val": Listing(f"{pictures}/val", self._val(tree, f"{pictures}/val", rank)),
        }

    def open_split(self, name: str, part: Part) -> LocalizationDataset:
        if self.tree.layout != "parquet":
            return super().open_split(name, part)
        from gapcam.data.parquet import ParquetImages

        folder = self.tree.root / part.folder
        return ParquetImages(folder, part.index, self.views, self.seed, name)

    def look_at(self, tree: Tree, part: Part, split: str) -> None:
        if tree.layout != "parquet":  # there the pictures are no files
            super().look_at(tree, part, split)

    def _without_boxes(self, tree: Tree) -> frozenset[str]:
        return read_blacklist(tree, self.blacklist) if self.blacklist else frozenset()

    def _train(self, tree: Tree, folder: str, rank: Mapping[str, int]) -> Iterator[Entry]:
        truth = read_truth(tree, "train", rank) if self.train_boxes else {}
        wnids = tree.folders(folder)
        if not wnids:
            raise UserError(f"{tree.root / folder} holds no class folders <wnid>/. {self.remedy}")
        for wnid in wnids:
            if wnid not in rank:
                tree.fault(
                    "unknown class",
                    f"{folder}/{wnid}",
                    f"this folder is no class of {MAPPING}. Remove it, or restore the original "
                    "mapping file.",
                )
                continue
            files = tree.files(f"{folder}/{wnid}")
            if not files:
                tree.fault(
                    "empty class",
                    f"{folder}/{wnid}",
                    "this class folder holds no pictures. Unpack this class again, or remove the "
                    "folder to train without it.",
                )
            for file in files:
                known = truth.get(Path(file).stem, Truth(wnid))
                if known.wnid != wnid:
                    tree.fault(
                        "label",
                        f"{folder}/{wnid}/{file}",
                        f"its annotation says {known.wnid}: unpack the annotations again.",
                    )
                yield Entry(f"{wnid}/{file}", rank[wnid], known.boxes, known.size)

    def _val(self, tree: Tree, folder: str, rank: Mapping[str, int]) -> Iterator[Entry]:
        files = _by_stem(tree, folder)
        truth = read_truth(tree, "val", rank)
        without = self._without_boxes(tree)
        for stem in sorted(files.keys() | truth.keys()):
            sorted_into = files.get(stem, "").rpartition("/")[0]
            known = truth.get(stem, Truth(sorted_into))
            is_annotated = stem in truth or not truth
            fault = self._fault(stem in files, known.wnid, sorted_into, is_annotated, rank)
            if fault:
                place = files.get(stem, f"{stem}.JPEG")
                tree.fault(fault[0], f"{folder}/{place}", fault[1])
            else:
                boxes = () if stem in without else known.boxes
                yield Entry(files[stem], rank[known.wnid], boxes, known.size)

    def _fault(
        self, is_there: bool, wnid: str, sorted_into: str, annotated: bool, rank: Mapping[str, int]
    ) -> tuple[str, str] | None:
        """Kind and message of what is wrong with a validation picture."""
        again = "Unpack the annotations of the validation pictures again."
        if not is_there:
            return "missing picture", (
                "it is annotated, but not there. Unpack the validation pictures again."
            )
        if not wnid:
            return "no label", f"no annotation says what it shows. {again} {self.remedy}"
        if not annotated:
            return "missing annotation", f"others have one, with boxes; it has none. {again}"
        if wnid not in rank:
            return "no label", f"its class {wnid!r} has no training folder. {self.remedy}"
        if sorted_into not in ("", wnid):
            return "label", f"its annotation says {wnid}, its folder another class. {again}"
        return None


def _by_stem(tree: Tree, folder: str) -> dict[str, str]:
    """Validation pictures by their name without suffix, flat or sorted into class folders."""
    paths = list(tree.files(folder))
    for wnid in tree.folders(folder):
        paths += [f"{wnid}/{file}" for file in tree.files(f"{folder}/{wnid}")]
    files: dict[str, str] = {}
    for path in paths:
        first = files.setdefault(Path(path).stem, path)
        if first != path:
            tree.fault("listed twice", f"{folder}/{path}", f"it is there as {first}, too.")
    return files


def refuse_imagenet_v2(root: Path) -> None:
    """Say what ImageNetV2 is when it is given for ILSVRC.

    Raises:
        UserError: if the folder holds class folders 0 to 999.
    """
    folder = root / "val2" if (root / "val2").is_dir() else root
    if not ((folder / "0").is_dir() and (folder / "999").is_dir()):
        return
    name = next((p.name for p in sorted((folder / "0").iterdir())), "")
    renamed = len(Path(name).stem) >= 32
    raise UserError(
        f"{folder} holds ImageNetV2, whose class folders 0 ... 999 are in numerical order: sorted "
        "as text (0, 1, 10, 100) they give wrong labels. "
        + (
            f"Its files have their later names ({name}): lists of boxes that name 0/0.jpeg do not "
            "fit them, and matching by size finds only half. Get the archive with the first names."
            if renamed
            else "It has no training split: give ILSVRC-2012 as data.root."
        )
    )


def read_synset_mapping(tree: Tree) -> dict[str, str]:
    """Read `wnid name, other name, …` lines -> wnid to first name.

    Raises:
        UserError: if the file is missing or empty.
    """
    rows = (line.split(maxsplit=1) for line in tree.lines(MAPPING))
    names = {row[0]: (row[1] if len(row) > 1 else row[0]).split(",")[0].strip() for row in rows}
    if not names:
        raise UserError(f"{tree.root / MAPPING} lists no classes. {ILSVRC.remedy}")
    return names


def _parquet(tree: Tree) -> ModuleType:
    try:
        from gapcam.data import ilsvrc_parquet
    except ImportError as error:
        raise UserError(
            f"{tree.root} holds parquet files; reading them needs pyarrow: pip install "
            "'gapcam[parquet]' (or uv sync --extra parquet)"
        ) from error
    return ilsvrc_parquet


def _classes(tree: Tree) -> tuple[list[str], list[str]]:
    """Sorted WordNet ids and the names of the classes."""
    if tree.layout == "Kaggle" or tree.has(MAPPING):
        names = read_synset_mapping(tree)
        return sorted(names), [names[wnid] for wnid in sorted(names)]
    wnids = [folder for folder in tree.folders("train") if folder.startswith("n")]
    complete = len(wnids) == len(_IMAGENET_CATEGORIES)
    return wnids, list(_IMAGENET_CATEGORIES) if complete else wnids
