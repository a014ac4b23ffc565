"""Caffe weight files for tests, written byte by byte: independent of the reader's library."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Blobs = Sequence[NDArray[np.floating]]


def write_caffemodel(path: Path, layers: Mapping[str, Blobs], version: int = 2) -> Path:
    """Version 2 (`layer`, shapes of any rank) or 1 (`layers`, always four sides)."""
    content = text(1, "a network")
    for name, blobs in layers.items():
        if version == 1:
            body = text(4, name) + number(5, 4) + b"".join(field(6, old_blob(b)) for b in blobs)
            content += field(2, body)
        else:
            body = text(1, name) + text(2, "Convolution")
            body += b"".join(field(7, new_blob(b)) for b in blobs)
            content += field(100, body)
    path.write_bytes(content)
    return path


def new_blob(values: NDArray[np.floating]) -> bytes:
    shape = field(1, b"".join(varint(side) for side in values.shape))
    data = field(8, values.astype("<f8").tobytes())
    if values.dtype == np.float32:
        data = field(5, values.astype("<f4").tobytes())
    return field(7, shape) + data


def old_blob(values: NDArray[np.floating]) -> bytes:
    sides = (1,) * (4 - values.ndim) + values.shape
    return b"".join(number(i, side) for i, side in enumerate(sides, start=1)) + field(
        5, values.astype("<f4").tobytes()
    )


def number(tag: int, value: int) -> bytes:
    return varint(tag << 3) + varint(value)


def text(tag: int, value: str) -> bytes:
    return field(tag, value.encode())


def field(tag: int, value: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    groups = []
    while True:
        value, low = value >> 7, value & 0x7F
        groups.append(low | (0x80 if value else 0))
        if not value:
            return struct.pack(f"{len(groups)}B", *groups)
