"""Where data sets can be had: archives with known checksums, or what to do by hand."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Source(NamedTuple):
    """An archive: its `url`, `digest` (`sha256:...` or `md5:...`) and size in bytes, 0 if unknown.

    `into` is the folder, below the one that is asked for, in which it is unpacked; `inner` are
    archives inside it that are unpacked, too; `root` is the folder that `data.root` is then.
    """

    url: str
    digest: str
    size: int = 0
    into: str = ""
    inner: tuple[str, ...] = ()
    root: str = ""


SOURCES: Mapping[str, Sequence[Source]] = {
    "cub200": (
        Source(
            "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
            "sha256:0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081",
            1150585339,
            root="CUB_200_2011",
        ),
    ),
    "tiny_imagenet": (
        Source(
            "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            "md5:90528d7ca1a48142e341f4ef8d21d0de",
            248100043,
            root="tiny-imagenet-200",
        ),
    ),
    "svt": (
        Source(
            "http://www.iapr-tc11.org/dataset/SVT/svt.zip",
            "sha256:63b3d55e6b6d1e036e2a844a20c034fe3af3c32e4d914d6e0c4a3cd43df3bebf",
            root="svt1",
        ),
    ),
    "caltech101": (
        Source(
            "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip",
            "sha256:331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91",
            137414764,
            inner=("caltech-101/101_ObjectCategories.tar.gz",),
            root="caltech-101",
        ),
    ),
    "caltech256": (
        Source(
            "https://data.caltech.edu/records/nyy15-4j048/files/256_ObjectCategories.tar",
            "sha256:08ff01b03c65566014ae88eb0490dbe4419fc7ac4de726ee1163e39fd809543e",
            into="caltech-256",
            root="caltech-256",
        ),
    ),
    "scene15": (
        Source(
            "https://web.archive.org/web/20070829035029id_/http://www-cvr.ai.uiuc.edu/ponce_grp/"
            "data/scene_categories/scene_categories.zip",
            "md5:58828019197b2ad0a7efb472e7a85c2a",
            into="scene-15",
            root="scene-15",
        ),
    ),
    "sun_attribute": (
        Source(
            "https://cs.brown.edu/~gmpatter/Attributes/SUNAttributeDB.tar.gz",
            "md5:883293e5b645822f6ae0046c6df54183",
            into="sun_attribute",
            root="sun_attribute",
        ),
        Source(
            "https://cs.brown.edu/~gmpatter/Attributes/SUNAttributeDB_Images.tar.gz",
            "md5:5966725c7306df6e05cd3ada7f45a18b",
            into="sun_attribute",
            root="sun_attribute",
        ),
    ),
    "captions": (
        Source(
            "http://images.cocodataset.org/annotations/annotations_trainval2014.zip",
            "sha256:031296bbc80c45a1d1f76bf9a90ead27e94e99ec629208449507a4917a3bf009",
            252872794,
            into="coco2014",
            root="coco2014",
        ),
        Source(
            "http://images.cocodataset.org/zips/train2014.zip",
            "sha256:ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775",
            13510573713,
            into="coco2014",
            root="coco2014",
        ),
        Source(
            "http://images.cocodataset.org/zips/val2014.zip",
            "sha256:fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
            6645013297,
            into="coco2014",
            root="coco2014",
        ),
    ),
}
"""By the option of `data`. A source without a published checksum is not here."""

BY_HAND: Mapping[str, str] = {
    "ilsvrc": "ILSVRC-2012 is given to those who accept its terms. With a Kaggle account: kaggle "
    "competitions download -c imagenet-object-localization-challenge (with boxes), or "
    "https://image-net.org/download-images (ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar, "
    "ILSVRC2012_devkit_t12.tar.gz, ILSVRC2012_bbox_val_v3.tgz)",
    "sun397": "The official links of SUN397 no longer answer. Get SUN397.tar.gz (39,077,296,924 "
    "bytes, md5 8ca2778205c41d23104230ba66911c7a) and Partitions.zip (18,293,705 bytes, sha256 "
    "e3311ea5f812d4cc6faef194688343d1111f6cd6f70f2c62f393c2b8d6ba1ec9) from a mirror you trust",
    "sun_objects": "Get SUN2012.tar.gz from https://groups.csail.mit.edu/vision/SUN/, or the same "
    "tree with LabelMe's tools",
    "mit67": "Get http://groups.csail.mit.edu/vision/LabelMe/NewImages/indoorCVPR_09.tar and "
    "https://web.mit.edu/torralba/www/TrainImages.txt, TestImages.txt; no checksum is published",
    "action40": "Get Stanford40_JPEGImages.zip and Stanford40_XMLAnnotations.zip from "
    "http://vision.stanford.edu/Datasets/40actions.html; no checksum is published",
    "event8": "Get http://vision.stanford.edu/lijiali/event_dataset/event_dataset.rar and unpack "
    "it with unrar or bsdtar; no checksum is published",
    "vqa": "Get the zip files of https://visualqa.org/vqa_v1_download.html (questions and "
    "annotations of train and val), and COCO's pictures: python -m gapcam.data get data=captions",
    "folders": "These are your own pictures",
    "digits": "The digits come with scikit-learn; nothing is to be downloaded",
}
"""What to do for the others."""
