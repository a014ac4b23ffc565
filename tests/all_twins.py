"""A twin of every data set, and the settings with which a command reads it."""

from collections.abc import Callable
from pathlib import Path

from twins import make_cub200, make_folders, make_tiny_imagenet
from twins_folders import (
    make_action40,
    make_caltech101,
    make_caltech256,
    make_event8,
    make_mit67,
    make_scene15,
)
from twins_ilsvrc import make_ilsvrc
from twins_sun import make_sun397, make_sun_attribute, make_sun_objects
from twins_text import make_coco, make_scenes, make_svt, make_vqa

MAKERS: dict[str, Callable[[Path], Path]] = {
    "action40": make_action40,
    "caltech101": make_caltech101,
    "caltech256": make_caltech256,
    "captions": make_coco,
    "cub200": make_cub200,
    "event8": make_event8,
    "folders": make_folders,
    "ilsvrc": make_ilsvrc,
    "mit67": make_mit67,
    "scene15": make_scene15,
    "sun397": make_sun397,
    "sun_attribute": make_sun_attribute,
    "sun_objects": make_sun_objects,
    "svt": make_svt,
    "tiny_imagenet": make_tiny_imagenet,
    "vqa": make_vqa,
}

SETTINGS: dict[str, tuple[str, ...]] = {
    "action40": ("train_per_class=2",),
    "caltech101": ("train_per_class=2",),
    "caltech256": ("train_per_class=2",),
    "captions": ("phrase=lake",),
    "event8": ("train_per_class=2", "test_per_class=1"),
    "folders": ("train_per_class=3",),
    "scene15": ("train_per_class=3",),
    "sun_attribute": ("attribute=snow", "train_per_class=2"),
    "sun_objects": ("scenes=[k/kitchen,b/building_facade]",),
}
"""Settings below `data` that bring a protocol down to the size of its twin."""


def make_twin(option: str, home: Path) -> list[str]:
    """Write the twin of a data set; returns the overrides of a command that reads it."""
    root = MAKERS[option](home / option)
    settings = [f"data.root={root}", *(f"data.{setting}" for setting in SETTINGS.get(option, ()))]
    if option == "svt":
        settings.append(f"data.negatives={make_scenes(home / 'scenes')}")
    return [f"data={option}", *settings]
