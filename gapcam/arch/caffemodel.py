"""Reading Caffe's weight files, old (V1 layers) and new, without Caffe."""

from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from torch import Tensor

from gapcam.errors import UserError

MESSAGES: dict[str, dict[str, tuple[int, str, bool]]] = {
    "BlobShape": {"dim": (1, "int64", True)},
    "BlobProto": {
        "num": (1, "int32", False),
        "channels": (2, "int32", False),
        "height": (3, "int32", False),
        "width": (4, "int32", False),
        # Packed numbers travel as a run of bytes; declared as such they are not copied one by one.
        "data": (5, "bytes", True),
        "shape": (7, "BlobShape", False),
        "double_data": (8, "bytes", True),
    },
    "V1LayerParameter": {"name": (4, "string", False), "blobs": (6, "BlobProto", True)},
    "LayerParameter": {"name": (1, "string", False), "blobs": (7, "BlobProto", True)},
    "NetParameter": {
        "name": (1, "string", False),
        "layers": (2, "V1LayerParameter", True),
        "layer": (100, "LayerParameter", True),
    },
}
"""The part of `caffe.proto` that holds weights: field number, type, whether it repeats."""

PARTS = ("weight", "bias")


class Layer(NamedTuple):
    """A layer's name and its parameter blobs."""

    name: str
    blobs: list[Tensor]


def read_caffemodel(path: Path) -> dict[str, Tensor]:
    """Read the weights of a `.caffemodel` -> `<layer>.weight` and `<layer>.bias`, float32.

    Raises:
        UserError: if the file is truncated, is no caffemodel, holds no weights, or has layers of
            more than a weight and a bias.
    """
    message = _message_class("NetParameter")()
    try:
        message.ParseFromString(path.read_bytes())
        layers = [layer for layer in _layers(message) if layer.blobs]
    except (DecodeError, ValueError) as error:
        raise UserError(
            f"{path} is truncated or no caffemodel: {error or 'the message is incomplete'}. "
            "Download it again and compare its checksum."
        ) from error
    if not layers:
        raise UserError(f"{path} holds no layers with weights: expected a trained caffemodel.")
    for layer in layers:
        if len(layer.blobs) > len(PARTS):
            raise UserError(
                f"{path}: layer {layer.name} has {len(layer.blobs)} parameter blobs; only layers "
                "with a weight and a bias (convolution, inner product) are known."
            )
    return {
        f"{layer.name}.{part}": blob
        for layer in layers
        for part, blob in zip(PARTS, layer.blobs, strict=False)
    }


def _layers(message: Any) -> Iterator[Layer]:
    for layer in (*message.layers, *message.layer):
        yield Layer(layer.name, [_tensor(blob, i) for i, blob in enumerate(layer.blobs)])


def _tensor(blob: Any, position: int) -> Tensor:
    values = np.frombuffer(b"".join(blob.data), "<f4")
    if blob.double_data:
        values = np.frombuffer(b"".join(blob.double_data), "<f8")
    shape = list(blob.shape.dim)
    if not blob.HasField("shape"):
        # The old form has always four sides: a bias is 1x1x1xN, an inner product 1x1xNxK.
        shape = [blob.num, blob.channels, blob.height, blob.width]
        if position == 1:
            shape = [prod(shape)]
        elif shape[:2] == [1, 1]:
            shape = shape[2:]
    if prod(shape) != len(values):
        raise ValueError(f"a blob of {'x'.join(map(str, shape))} has {len(values)} numbers")
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


@cache
def _message_class(name: str) -> Any:
    file = FileDescriptorProto(name="caffe_weights.proto", package="caffe", syntax="proto2")
    for message, fields in MESSAGES.items():
        descriptor = file.message_type.add(name=message)
        for field, (number, kind, repeats) in fields.items():
            row = descriptor.field.add(name=field, number=number)
            row.label = (
                FieldDescriptorProto.LABEL_REPEATED
                if repeats
                else FieldDescriptorProto.LABEL_OPTIONAL
            )
            if kind in MESSAGES:
                row.type = FieldDescriptorProto.TYPE_MESSAGE
                row.type_name = f".caffe.{kind}"
            else:
                row.type = getattr(FieldDescriptorProto, f"TYPE_{kind.upper()}")
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"caffe.{name}"))
