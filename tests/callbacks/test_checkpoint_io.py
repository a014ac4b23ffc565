import errno
from pathlib import Path

import pytest
import torch

from gapcam.callbacks.checkpoint_io import AtomicCheckpointIO
from gapcam.errors import UserError


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 3, "weight": torch.ones(2)}, path)
    stored = torch.load(path, weights_only=True)
    assert stored["epoch"] == 3
    assert stored["weight"].tolist() == [1, 1]


def test_a_full_disk_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, path)

    def no_room(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", no_room)
    with pytest.raises(UserError, match=r"No room on the disk to write .*last.ckpt"):
        AtomicCheckpointIO().save_checkpoint({"epoch": 2}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
