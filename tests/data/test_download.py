"""Against a server of our own: a connection that breaks, goes on, lies, or is not there."""

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from archives import make_tar, make_zip
from rich.console import Console

from gapcam.config_dir import CONFIG_DIR
from gapcam.data.download import download
from gapcam.data.sources import BY_HAND, SOURCES, Source
from gapcam.data_tools.get import get_source, run
from gapcam.errors import UserError

CONTENT = bytes(range(256)) * 5000


class Server(ThreadingHTTPServer):
    content = CONTENT
    can_go_on = True
    says_where = True
    breaks_after: int | None = None
    asked_from: list[int]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.asked_from.append(start)
        goes_on = bool(start) and self.server.can_go_on
        if goes_on and start >= len(self.server.content):
            self.send_error(416)
            return
        content = self.server.content[start if goes_on else 0 :]
        self.send_response(206 if goes_on else 200)
        self.send_header("Content-Length", str(len(content)))
        if goes_on and self.server.says_where:
            last = len(self.server.content)
            self.send_header("Content-Range", f"bytes {start}-{last - 1}/{last}")
        self.end_headers()
        self.wfile.write(content[: self.server.breaks_after])

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked_from = []
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def source(server: Server, **kwargs: Any) -> Source:
    digest = f"sha256:{hashlib.sha256(server.content).hexdigest()}"
    return Source(
        **{"url": f"http://127.0.0.1:{server.server_port}/a.bin", "digest": digest} | kwargs
    )


@pytest.mark.parametrize(("can_go_on", "expected"), [(True, [0, 600_000]), (False, [0, 600_000])])
def test_goes_on_after_a_broken_connection(
    server: Server, tmp_path: Path, can_go_on: bool, expected: list[int]
) -> None:
    server.can_go_on = can_go_on
    server.breaks_after = 600_000
    with pytest.raises(UserError, match=r"a.bin cannot be fetched: .*Repeat the command to go on"):
        download(source(server), tmp_path)
    assert (tmp_path / "a.bin.part").stat().st_size == 600_000
    server.breaks_after = None
    steps: list[tuple[int, int]] = []
    path = download(source(server), tmp_path, lambda *step: steps.append(step))
    assert path.read_bytes() == CONTENT
    assert server.asked_from == expected
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    download(source(server), tmp_path)
    assert len(server.asked_from) == 2  # it was there


def test_another_part_than_asked_for_is_not_added(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:100])
    server.says_where = False
    with pytest.raises(UserError, match=r"the server sent some part, not what was asked for"):
        download(source(server), tmp_path)
    assert download(source(server), tmp_path).read_bytes() == CONTENT


def test_a_wrong_part_does_not_stay(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(b"<html>" * 20)
    with pytest.raises(UserError, match=r"a.bin.part is not the published file"):
        download(source(server), tmp_path)
    assert download(source(server), tmp_path).read_bytes() == CONTENT


def test_a_complete_part_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    assert download(source(server), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"digest": "md5:00"}, r"a.bin.part is not the published file: its md5 is .*expected 00"),
        ({"url": "http://127.0.0.1:9/a.bin"}, r"a.bin cannot be fetched: .*refused"),
        ({"size": 10**18}, r"has room for .* GB, but 1000000000.0 GB are to be downloaded"),
    ],
)
def test_faults_are_named(
    server: Server, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        download(source(server, **changes), tmp_path)


def test_a_damaged_file_that_was_there_is_noticed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(UserError, match=r"a.bin is not the published file.*Delete it, if it is"):
        download(source(server), tmp_path)


def test_archives_in_archives_are_unpacked_once(server: Server, tmp_path: Path) -> None:
    inner = make_tar(tmp_path / "inner.tgz", {"pictures/a.jpg": b"picture"})
    server.content = make_zip(tmp_path / "a.zip", {"x/in.tgz": inner.read_bytes()}).read_bytes()
    what = source(server, into="set", inner=("x/in.tgz",))
    for _ in range(2):
        get_source(what, tmp_path / "data", keep_archives=False, console=Console(quiet=True))
    assert (tmp_path / "data" / "set" / "x" / "pictures" / "a.jpg").read_bytes() == b"picture"
    assert server.asked_from == [0]
    left = {p.name for p in (tmp_path / "data").rglob("*") if p.is_file()}
    assert left == {"a.jpg", ".a.bin.unpacked"}


def test_every_data_set_can_be_got_or_says_how() -> None:
    options = {path.stem for path in (CONFIG_DIR / "data").glob("*.yaml")}
    assert options == SOURCES.keys() | BY_HAND.keys()
    assert not SOURCES.keys() & BY_HAND.keys()
    for sources in SOURCES.values():
        assert len({one.root for one in sources}) == 1
        for one in sources:
            kind, digest = one.digest.split(":")
            assert len(bytes.fromhex(digest)) == {"md5": 16, "sha256": 32}[kind]


def test_what_cannot_be_downloaded_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data=ilsvrc cannot be downloaded .* Kaggle account"):
        run("ilsvrc", {"to": str(tmp_path)}, Console(quiet=True))
