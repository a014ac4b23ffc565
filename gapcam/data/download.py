"""One file from the network: goes on where it broke off, and is what its checksum says."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from gapcam.data.sources import Source
from gapcam.errors import UserError

_BLOCK = 1 << 20
_SECONDS = 30
"""Without a byte, after which a connection is given up."""

Step = Callable[[int, int], None]
"""Told how many bytes are done, and of how many (0 if unknown)."""


def download(source: Source, folder: Path, step: Step = lambda *_: None) -> Path:
    """Download an archive into a folder, unless it is there already.

    What has come so far lies in `<name>.part`; the next call goes on from its end, where the server
    can.

    Args:
        source: what to get.
        folder: is made if it is not there.
        step: told how far it is.

    Returns:
        The path of the archive, whose checksum is right.

    Raises:
        UserError: if there is no connection or no room, or the checksum is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / source.url.rpartition("/")[2]
    if path.is_file():
        check_digest(path, source.digest, step)
        return path
    part = path.with_name(f"{path.name}.part")
    _require_room(folder, source.size - (part.stat().st_size if part.exists() else 0))
    try:
        _fetch(source.url, part, step)
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"{source.url} cannot be fetched: {reason}. Repeat the command to go on from where it "
            f"stopped, or put the file there by other means: {path}"
        ) from error
    try:
        check_digest(part, source.digest, step)
    except UserError:
        part.unlink()  # nothing can go on from it
        raise
    part.replace(path)
    return path


def check_digest(path: Path, digest: str, step: Step = lambda *_: None) -> None:
    """Compare a file with its checksum.

    Raises:
        UserError: if they differ.
    """
    kind, _, expected = digest.partition(":")
    # Against damage on the way; whether to trust the host is another question.
    found = hashlib.new(kind, usedforsecurity=False)
    done, total = 0, path.stat().st_size
    with path.open("rb") as file:
        for block in _blocks(file):
            found.update(block)
            done += len(block)
            step(done, total)
    if found.hexdigest() != expected:
        raise UserError(
            f"{path} is not the published file: its {kind} is {found.hexdigest()}, expected "
            f"{expected}. Delete it, if it is still there, and repeat the command."
        )


def _fetch(url: str, part: Path, step: Step) -> None:
    done = part.stat().st_size if part.exists() else 0
    # The urls are those of gapcam.data.sources, or a test's own server.
    request = Request(url, headers={"User-Agent": "gapcam"})  # noqa: S310
    if done:
        request.add_header("Range", f"bytes={done}-")
    try:
        answer = urlopen(request, timeout=_SECONDS)  # noqa: S310
    except HTTPError as error:
        if error.code == 416:  # nothing is left: it was complete
            return
        raise
    with answer:
        place = answer.headers.get("Content-Range") or ""
        goes_on = answer.status == 206
        if goes_on and not place.startswith(f"bytes {done}-"):
            part.unlink()
            raise ConnectionError(f"the server sent {place or 'some part'}, not what was asked for")
        stated = answer.headers.get("Content-Length") or ""
        length = int(stated) if stated.isdigit() else 0
        done = done if goes_on else 0
        total = done + length
        with part.open("ab" if goes_on else "wb") as file:
            for block in _blocks(answer):
                file.write(block)
                done += len(block)
                step(done, total)
    if done < total:
        raise ConnectionError(f"the connection broke off after {done:,} of {total:,} bytes")


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _require_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise UserError(
            f"{folder} has room for {free / 1e9:.1f} GB, but {size / 1e9:.1f} GB are to be "
            "downloaded. Give another folder: to=..."
        )
