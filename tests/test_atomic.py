import errno
import os
from pathlib import Path

import pytest

from gapcam.atomic import atomic_path, require_writable, write_text
from gapcam.errors import UserError


def test_replaces_the_file(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.txt"
    write_text(target, "ä")
    write_text(target, "b")
    assert target.read_text(encoding="utf-8") == "b"
    assert os.listdir(target.parent) == ["file.txt"]


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError, match="broken"):
        _fail_halfway(target, RuntimeError("broken"))
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_full_disk_is_explained(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    with pytest.raises(UserError, match=r"No room on the disk.*run the same command again"):
        _fail_halfway(target, OSError(errno.ENOSPC, "No space left on device"))


def test_other_faults_pass_through(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="denied"):
        _fail_halfway(tmp_path / "file.txt", PermissionError(errno.EACCES, "denied"))


def _fail_halfway(target: Path, error: Exception) -> None:
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error


def test_a_file_is_no_folder_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    require_writable(tmp_path / "new" / "folder", "Runs", "runs=...")
    assert not (tmp_path / "new").exists()
    with pytest.raises(UserError, match=r"^Runs cannot be written to .*digits \(.*/runs: Not a"):
        require_writable(tmp_path / "runs" / "digits", "Runs", "runs=...")


def test_a_folder_that_belongs_to_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)  # permissions do not bind the superuser
    with pytest.raises(UserError, match=r"Permission denied\)\. Give another folder, runs=\.\.\.$"):
        require_writable(tmp_path / "digits", "Runs", "runs=...")
