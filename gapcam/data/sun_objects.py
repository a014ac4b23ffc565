"""Scenes whose objects are outlined: the LabelMe tree of SUN2012.

    root/
      Images/b/bathroom/sun_*.jpg
      Annotations/b/bathroom/sun_*.xml      see `gapcam.data.labelme`
      Images/<letter>/<scene>[/<kind>]/...

The label is the scene. The split is ours, as the paper's is not published: a part of each scene's
pictures, drawn at random, the same on every machine.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any

from gapcam.data.draws import divide
from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.index import Entry
from gapcam.data.labelme import LabelMeAnnotation, LabelMeObject, labelled_share, read_labelme
from gapcam.data.tree import Layout, Tree
from gapcam.errors import UserError


class SunObjects(FileDataModule):
    """Some scenes of SUN2012, with the objects that people outlined in them.

    A scene has no box, so nothing can be localized by boxes; `objects` has what is in a picture.

    Args:
        scenes: folders of the classes below `Images`, such as b/bathroom. Capitals do not matter,
            and spaces, hyphens and underscores are the same.
        train_share: so much of each scene's pictures trains, the rest tests.
        split: number of the random split, from 1 on.
        min_objects: pictures with fewer outlined objects are left out.
        fully_annotated: pictures of which no larger share lies in any object are left out; null:
            whatever the share.
        kwargs: see `FileDataModule`.

    Raises:
        UserError: if a setting is out of range.
    """

    title = "SUN2012 with LabelMe objects"
    layouts = (Layout("LabelMe", ("Images/?/*/", "Annotations/?/*/")),)
    remedy = "docs/data/sun_objects.md says where to get it and which folders it has."

    def __init__(
        self,
        *,
        scenes: Sequence[str],
        train_share: float = 0.5,
        split: int = 1,
        min_objects: int = 1,
        fully_annotated: float | None = None,
        **kwargs: Any,
    ) -> None:
        choices = {
            "scenes": list(scenes),
            "protocol": [train_share, split, min_objects, fully_annotated],
        }
        super().__init__(choices=choices, **kwargs)
        if len({_plain(scene) for scene in scenes}) < max(len(scenes), 2):
            raise UserError(f"data.scenes must be two or more, each once; got {list(scenes)}")
        if not all(re.fullmatch(r"[^/]+(/[^/]+)+", scene) for scene in scenes):
            raise UserError(
                f"data.scenes must be folders below Images, such as b/bathroom; got {list(scenes)}"
            )
        if not 0 < train_share < 1:
            raise UserError(f"data.train_share must lie between 0 and 1; got {train_share}")
        if split < 1 or min_objects < 0:
            raise UserError(
                "data.split must be 1 or more and data.min_objects 0 or more; "
                f"got {split} and {min_objects}"
            )
        if fully_annotated is not None and not 0 <= fully_annotated < 1:
            raise UserError(
                "data.fully_annotated must be null or a share from 0 up to, but not 1; "
                f"got {fully_annotated}"
            )
        self.scenes = sorted(scenes, key=_plain)
        self.train_share = train_share
        self.split = split
        self.min_objects = min_objects
        self.fully_annotated = fully_annotated

    def objects(self, split: str, row: int) -> list[LabelMeObject]:
        """Objects of a picture of `train`, `val` or `test`, in pixels of the annotated picture.

        Raises:
            UserError: if the annotation was damaged or removed since the folder was read.
        """
        name = getattr(self, split).name(row)
        return read_labelme(self.tree.root / _annotation(name)).objects

    def read_classes(self, tree: Tree) -> list[str]:
        return [_plain(scene).partition("/")[2].replace("/", " ") for scene in self.scenes]

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        chosen: dict[str, list[Entry]] = {"train": [], "test": []}
        for label, scene in enumerate(self.scenes):
            entries = list(self._entries(tree, _folder(tree, scene), label))
            count = round(self.train_share * len(entries))
            if not 0 < count < len(entries) and not tree.faults:
                raise UserError(
                    f"{len(entries)} pictures of {scene} in {tree.root} are annotated well enough, "
                    f"too few to train on {self.train_share:g} of them and to test on the others: "
                    "change data.train_share, data.min_objects or data.fully_annotated, or leave "
                    "this scene out of data.scenes"
                )
            train, test = divide(entries, count, self.split, label)
            chosen["train"] += train
            chosen["test"] += test
        return {split: Listing("Images", entries) for split, entries in chosen.items()}

    def _entries(self, tree: Tree, folder: str, label: int) -> Iterator[Entry]:
        files = tree.files(f"Images/{folder}")
        if not files:
            inner = ", ".join(tree.folders(f"Images/{folder}")) or "nothing"
            tree.fault("empty class", f"Images/{folder}", f"expected pictures; it holds {inner}.")
        notes = f"Annotations/{folder}"
        spare = set(tree.files(notes, (".xml",))) if tree.has(notes) else set()
        for file in files:
            where = _annotation(f"{folder}/{file}")
            spare.discard(PurePosixPath(where).name)
            if not tree.has(where):
                tree.fault(
                    "missing annotation",
                    f"Images/{folder}/{file}",
                    f"there is no {where}. Unpack the annotations again, or remove the picture.",
                )
                continue
            try:
                found = read_labelme(tree.root / where)
            except UserError as error:
                tree.fault("broken annotation", where, str(error))
                continue
            if self._is_wanted(found):
                yield Entry(f"{folder}/{file}", label, size=found.size)
        for name in sorted(spare):
            tree.fault("missing picture", f"{notes}/{name}", f"Images/{folder} lacks its picture.")

    def _is_wanted(self, found: LabelMeAnnotation) -> bool:
        if len(found.objects) < self.min_objects:
            return False
        return self.fully_annotated is None or labelled_share(found) > self.fully_annotated


def _annotation(name: str) -> str:
    return str(PurePosixPath("Annotations", name).with_suffix(".xml"))


def _folder(tree: Tree, scene: str) -> str:
    """Path of a scene below `Images`, as it is written there."""
    found = ""
    for part in scene.split("/"):
        where = f"Images/{found}".rstrip("/")
        there = {_plain(name): name for name in tree.folders(where)}
        if _plain(part) not in there:
            alike = ", ".join(get_close_matches(_plain(part), there)) or ", ".join(there) or "none"
            raise UserError(
                f"{tree.root / where} has no folder {part} for the scene {scene} of data.scenes; "
                f"those most like it: {alike}"
            )
        found = f"{found}/{there[_plain(part)]}".lstrip("/")
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().lower())
