import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Members, make_plain_tar, make_tar, make_zip

from gapcam.data.archive import unpack
from gapcam.errors import UserError

MAKERS = [
    (make_zip, "a.zip"),
    (make_tar, "a.tgz"),
    (make_plain_tar, "a.tar.gz"),  # ImageNetV2's are plain tars with this suffix
]


@pytest.mark.parametrize(("make", "name"), MAKERS)
@pytest.mark.parametrize("members", [{}, {"a b/ö.jpg": b"x" * 5000, "list.txt": b""}])
def test_unpacks_and_goes_on(
    tmp_path: Path, make: Callable[[Path, Members], Path], name: str, members: Members
) -> None:
    archive = make(tmp_path / name, members)
    for _ in range(2):
        unpack(archive, tmp_path / "out")
        found = {
            p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")
        }
        assert found == set(members)
        for path, content in members.items():
            assert (tmp_path / "out" / path).read_bytes() == content
            (tmp_path / "out" / path).write_bytes(content[:10])  # as a broken off run leaves it


@pytest.mark.parametrize(("make", "name"), MAKERS)
@pytest.mark.parametrize(
    "path", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:\\evil.txt"]
)
def test_nothing_lands_outside(
    tmp_path: Path, make: Callable[[Path, Members], Path], name: str, path: str
) -> None:
    archive = make(tmp_path / name, {path: b"x"})
    with pytest.raises(UserError, match=r"was not unpacked, because .* points out of the folder"):
        unpack(archive, tmp_path / "in" / "out")
    assert not list(tmp_path.rglob("*evil.txt"))


def test_a_link_that_lies_there_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere")
    archive = make_zip(tmp_path / "a.zip", {"a/evil.txt": b"x"})
    with pytest.raises(UserError, match=r"'a/evil.txt' leads out of the folder"):
        unpack(archive, tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("a")
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(member)
    with pytest.raises(UserError, match=r"a is a link or a device"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    member = zipfile.ZipInfo("a")
    member.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(UserError, match=r"a is a link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize(("make", "name"), MAKERS[:2])
def test_bombs_are_refused(
    tmp_path: Path, make: Callable[[Path, Members], Path], name: str
) -> None:
    archive = make(tmp_path / name, {"zeros.bin": bytes(20 << 20)})
    with pytest.raises(UserError, match=r"it grows to more than 100 times its size"):
        unpack(archive, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(("make", "name"), MAKERS)
def test_half_an_archive_is_named(
    tmp_path: Path, make: Callable[[Path, Members], Path], name: str
) -> None:
    random = bytes(range(256)) * 40
    archive = make(tmp_path / name, {"a.jpg": random, "b.jpg": random[::-1]})
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(
        UserError, match=rf"{name} cannot be unpacked: .*Delete it and get it again"
    ):
        unpack(archive, tmp_path / "out")


def test_a_damaged_file_is_replaced_and_a_hard_link_not_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_bytes(b"keep")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").hardlink_to(outside)
    unpack(make_zip(tmp_path / "a.zip", {"a.txt": b"evil"}), tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"evil"
    assert outside.read_bytes() == b"keep"


def test_a_damaged_zip_is_named(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"a.txt": bytes(range(256)) * 99})
    content = bytearray(archive.read_bytes())
    content[60:90] = bytes(30)
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"a.zip cannot be unpacked"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out" / "a.txt").exists()


def test_no_archive_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"<html>404</html>")
    with pytest.raises(UserError, match=r"a.zip cannot be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
