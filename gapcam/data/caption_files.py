"""Files that give pictures captions, in the three layouts that are read.

root/
  captions.tsv                               image<tab>caption
                                             lake/1.jpg<tab>a mirror in the lake
  <any folders>/*.jpg

root/                                        COCO 2014
  annotations/captions_{train,val}2014.json
    {"images": [{"id": 9, "file_name": "COCO_train2014_000000000009.jpg", ...}, ...],
     "annotations": [{"image_id": 9, "caption": "Closeup of bins of food", ...}, ...]}
  {train,val}2014/COCO_{train,val}2014_000000000009.jpg

root/                                        SBU, as torchvision fetches it
  SBU_captioned_photo_dataset_urls.txt       http://static.flickr.com/2723/43850_b0.jpg
  SBU_captioned_photo_dataset_captions.txt   the caption, in the same line
  43850_b0.jpg
"""

import sys

from gapcam.data.json_records import read_records
from gapcam.data.tree import Tree
from gapcam.errors import UserError

TABLE = "captions.tsv"
COCO = "annotations/captions_{}.json"
URLS = "SBU_captioned_photo_dataset_urls.txt"
LINES = "SBU_captioned_photo_dataset_captions.txt"

Captioned = dict[str, list[str]]
"""Captions by the path of their picture below the root; none is empty or has line ends."""


def read_table(tree: Tree) -> Captioned:
    """Read a table of pictures and captions.

    Raises:
        UserError: if its header is another one.
    """
    head, *lines = tree.text(TABLE).split("\n")
    if head.split() != ["image", "caption"]:
        raise UserError(f"{tree.root / TABLE} begins {head[:80]!r}: expected image<tab>caption")
    pool: Captioned = {}
    there: dict[str, set[str]] = {}
    missing = set()
    for number, line in enumerate(lines, start=2):
        name, caption = line.partition("\t")[0].strip(), " ".join(line.partition("\t")[2].split())
        folder, _, file = name.rpartition("/")
        if folder not in there:
            there[folder] = set(tree.files(folder)) if tree.has(folder) else set()
        if line.strip() and not (name and caption):
            tree.fault("broken list", TABLE, f"line {number}: expected image<tab>caption: {line!r}")
        elif line.strip() and file in there[folder]:
            pool.setdefault(name, []).append(caption)
        elif line.strip() and name not in missing:
            missing.add(name)
            tree.fault("missing picture", name, f"line {number} of {TABLE} lists it.")
    return pool


def read_coco(tree: Tree, folder: str) -> Captioned:
    """Read the captions of `train2014` or `val2014`.

    Raises:
        UserError: if the file cannot be read.
    """
    where = COCO.format(folder)
    fields = {
        "images": {"id": int, "file_name": str},
        "annotations": {"image_id": int, "caption": str},
    }
    images, annotations = read_records(tree, where, fields)
    there = set(tree.files(folder))
    captions: dict[int, list[str]] = {}
    for key, caption in annotations:
        captions.setdefault(key, []).append(" ".join(caption.split()))
    pool: Captioned = {}
    for key, file in images:
        name = f"{folder}/{file}"
        found = [caption for caption in captions.pop(key, []) if caption]
        if name in pool:
            tree.fault("listed twice", where, f"{file} (id {key}) appears again.")
        elif file not in there:
            tree.fault("missing picture", name, f"{where} lists it. Unpack {folder}.zip again.")
        elif not found:
            tree.fault("missing annotation", name, f"{where} has no caption of it.")
        else:
            pool[name] = found
    for key in captions:
        tree.fault("missing picture", where, f"captions of picture {key}, which no record names.")
    return pool


def read_sbu(tree: Tree) -> Captioned:
    """Read the captions of the pictures that are there; says how many are not.

    Raises:
        UserError: if the two files do not belong together.
    """
    # Every line counts, even a blank one: the two files belong together by line.
    urls, lines = (tree.text(where).removesuffix("\n").split("\n") for where in (URLS, LINES))
    if len(urls) != len(lines):
        raise UserError(
            f"{tree.root}: {URLS} has {len(urls):,} lines and {LINES} {len(lines):,}, but they "
            "belong together line by line. Unpack both again"
        )
    there = set(tree.files(""))
    pool: Captioned = {}
    missing = 0
    for url, line in zip(urls, lines, strict=True):
        name, caption = url.strip().rpartition("/")[2], " ".join(line.split())
        if name not in there:
            missing += 1
        elif caption:
            pool.setdefault(name, []).append(caption)
    if missing:
        print(
            f"{missing:,} of the {len(urls):,} pictures of SBU are not in {tree.root} and are left "
            "out: many of its links are dead",
            file=sys.stderr,
        )
    return pool
