"""Starting from trained weights: where they come from, how they are read, what fits."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.models import AlexNet_Weights, WeightsEnum

from gapcam.arch.caffemodel import read_caffemodel
from gapcam.arch.pixels import CAFFE, PixelFormat, from_fractions
from gapcam.atomic import atomic_path
from gapcam.errors import UserError

ZOO = {
    "bvlc_reference_caffenet": "4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46",
    "bvlc_googlenet": "405fc5acd08a3bb12de8ee5e23a96bec22f08204",
}
"""SHA-1 of the Caffe model zoo's files, as their readme files give them."""

ZOO_URL = "http://dl.caffe.berkeleyvision.org/{name}.caffemodel"

KINDS = ".caffemodel and .npz (Caffe), .ckpt (gapcam), .pth and .pt (torchvision), .safetensors"


class Source(NamedTuple):
    """Trained `tensors` by their own names, the `pixels` they were trained on, and their `name`.

    `class_names` are those of the classes they were trained on, `arch` is the configuration of the
    network they are from; both None if the file does not say.
    """

    tensors: Mapping[str, Tensor]
    pixels: PixelFormat
    name: str
    class_names: list[str] | None = None
    arch: Mapping[str, Any] | None = None


def imagenet_classes() -> list[str]:
    """Names of ILSVRC's 1000 classes, in the order of their sorted WordNet ids."""
    names: list[str] = AlexNet_Weights.DEFAULT.meta["categories"]
    return list(names)


def caffe_zoo(name: str) -> Source:
    """Download a network of the Caffe model zoo once; its checksum is compared.

    Raises:
        UserError: if it cannot be fetched, or is not what the zoo published.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / f"{name}.caffemodel"
    if not path.is_file():
        _download(ZOO_URL.format(name=name), path, ZOO[name])
    return Source(read_caffemodel(path), CAFFE, path.name)


def torchvision_source(weights: WeightsEnum) -> Source:
    """Download torchvision's weights once; torchvision compares their checksum.

    Raises:
        UserError: if they cannot be fetched, or are damaged.
    """
    try:
        tensors = weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise UserError(_not_fetched(weights.url, error)) from error
    preset = weights.transforms()
    return Source(tensors, from_fractions(preset.mean, preset.std), str(weights))


def read_source(path: Path, published: PixelFormat) -> Source:
    """Read a weight file of any known kind; nothing in it is executed.

    The pixel format goes by the kind of file: Caffe's for `.caffemodel` and `.npz`, the stored one
    for gapcam's checkpoints, `published` for the rest.

    Raises:
        UserError: if the file is missing, damaged, or of no known kind.
    """
    if not path.is_file():
        raise UserError(
            f"arch.weights: there is no file {path}. Give null, imagenet, or the path of a "
            f"weight file: {KINDS}."
        )
    match path.suffix:
        case ".caffemodel":
            return Source(read_caffemodel(path), CAFFE, path.name)
        case ".npz":
            return Source(_read_npz(path), CAFFE, path.name)
        case ".safetensors":
            return _source(_read_safetensors(path), published, path.name)
        case ".ckpt" | ".pth" | ".pt" | ".tar":
            return _read_torch(path, published)
    raise UserError(f"arch.weights={path}: expected one of {KINDS}; got {path.suffix or 'no end'}")


def _read_npz(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(np.array(arrays[name])) for name in arrays.files}
    except Exception as error:
        # A damaged archive fails in every way there is.
        raise UserError(f"{path} is damaged or no .npz of plain arrays: {error}") from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise UserError("To read .safetensors, install gapcam[timm].") from error
    try:
        return load_file(path)
    except SafetensorError as error:
        raise UserError(f"{path} is damaged or no .safetensors: {error}") from error


def _read_torch(path: Path, published: PixelFormat) -> Source:
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"{path} is damaged, or holds more than tensors (pickled code is never loaded): {error}"
        ) from error
    recipe = content.get("gapcam") if isinstance(content, dict) else None
    if isinstance(content, dict):
        content = next((content[key] for key in ("state_dict", "model") if key in content), content)
    if not isinstance(content, dict) or not any(isinstance(v, Tensor) for v in content.values()):
        raise UserError(f"{path} holds no state_dict: expected tensors by name.")
    tensors = {
        str(name).removeprefix("module."): value
        for name, value in content.items()
        if isinstance(value, Tensor)
    }
    source = _source(tensors, published, path.name)
    if not isinstance(recipe, dict):
        return source
    data, arch = recipe.get("data"), recipe.get("arch")
    return source._replace(
        class_names=data.get("class_names") if isinstance(data, dict) else None,
        arch=arch if isinstance(arch, dict) else None,
    )


def _source(tensors: dict[str, Tensor], published: PixelFormat, name: str) -> Source:
    """A source with the pixel format that the tensors hold, if they are those of a network here."""
    if {"pixels.order", "pixels.mean", "pixels.std"} <= tensors.keys():
        order, mean, std = (tensors.pop(f"pixels.{part}") for part in ("order", "mean", "std"))
        channels = "bgr" if order[0] == 2 else "rgb"
        published = PixelFormat(
            tuple(mean.flatten().tolist()), tuple(std.flatten().tolist()), channels
        )
    return Source(tensors, published, name)


def _download(url: str, path: Path, sha1: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        try:
            torch.hub.download_url_to_file(url, str(temporary), progress=True)
        except (OSError, RuntimeError) as error:
            raise UserError(_not_fetched(url, error)) from error
        with temporary.open("rb") as file:
            found = hashlib.file_digest(file, "sha1").hexdigest()
        if found != sha1:
            raise UserError(
                f"{url} is not the file that the zoo published: its SHA-1 should be {sha1}, but is "
                f"{found}. Get the file elsewhere and give its path as arch.weights=..."
            )


def _not_fetched(url: str, error: Exception) -> str:
    return (
        f"Cannot download {url}: {error}. Without a connection, fetch the file elsewhere and give "
        "its path as arch.weights=..."
    )
