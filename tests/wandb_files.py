"""Reads what W&B wrote offline: its run file is a LevelDB log of protocol buffers."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as wandb_pb

_BLOCK = 32768
_FILE_HEADER = 7  # ":W&B", a magic number, the version
_HEADER = struct.Struct("<IHB")  # checksum, length, type
_FULL, _LAST = 1, 4


def records(run: Path) -> list[wandb_pb.Record]:
    """All records of an offline run's folder, in order."""
    (path,) = run.glob("run-*.wandb")
    return [wandb_pb.Record.FromString(content) for content in _contents(path.read_bytes())]


def history(run: Path) -> dict[str, list[Any]]:
    """What was logged, by name, in order."""
    found: dict[str, list[Any]] = {}
    for record in records(run):
        for item in record.history.item:
            key = item.key or "/".join(item.nested_key)
            found.setdefault(key, []).append(json.loads(item.value_json))
    return found


def config(run: Path) -> dict[str, Any]:
    """The run's configuration, as it stands at the end."""
    found: dict[str, Any] = {}
    for record in records(run):
        for update in (*record.run.config.update, *record.config.update):
            found["/".join(update.nested_key) or update.key] = json.loads(update.value_json)
    return found


def summary(run: Path) -> dict[str, Any]:
    """The run's summary, as it stands at the end."""
    found: dict[str, Any] = {}
    for record in records(run):
        for update in record.summary.update:
            found["/".join(update.nested_key) or update.key] = json.loads(update.value_json)
    return found


def _contents(data: bytes) -> Iterator[bytes]:
    assert data[:4] == b":W&B"
    place, content = _FILE_HEADER, b""
    while place + _HEADER.size <= len(data):
        left = _BLOCK - place % _BLOCK
        if left < _HEADER.size:
            place += left
            continue
        _, length, kind = _HEADER.unpack_from(data, place)
        place += _HEADER.size
        content += data[place : place + length]
        place += length
        if kind in (_FULL, _LAST):
            yield content
            content = b""
