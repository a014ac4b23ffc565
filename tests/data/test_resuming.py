"""A run that a broken picture stops goes on exactly: loader processes, crops, mirrors included."""

from pathlib import Path

import pytest
from support import compose_config
from twins import make_folders

from gapcam.build import build_data
from gapcam.errors import UserError
from gapcam.run import resolve, run
from gapcam.viz.curves import read_curves


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("epoch", [0, 1])
def test_goes_on_in_the_middle_of_an_epoch(tmp_path: Path, workers: int, epoch: int) -> None:
    root = make_folders(tmp_path / "twin", each=24)
    command = [
        *("data=folders", f"data.root={root}", "data.train_per_class=20", "arch.size=[32,32]"),
        *("arch.units=8", "data.batch_size=4", f"data.num_workers={workers}", "gallery=0"),
        *("trainer.max_epochs=2", "trainer.enable_progress_bar=false", f"runs={tmp_path}"),
        *("trainer.log_every_n_steps=1", "callbacks.recovery.every_n_train_steps=1"),
        "callbacks.recovery.train_time_interval=null",
        "optim/schedule=constant",  # others depend on the length of the run
    ]
    whole = compose_config(*command, "name=whole")
    expected = run(whole)["metrics"]
    broken = compose_config(*command, "name=broken")
    data = build_data(resolve(broken))
    loader = data.train_loader()
    loader.sampler.asked_epoch = lambda: epoch  # type: ignore[attr-defined]
    row = int(list(loader)[6].index[0])  # of the seventh of ten batches
    picture = data.train.path(row)  # type: ignore[attr-defined]
    content = picture.read_bytes()
    # In epoch 0 every picture is seen before epoch 1: it breaks after that.
    first = compose_config(*command, "name=broken", "trainer.max_epochs=1")
    if epoch == 1:
        run(first)
    picture.write_bytes(b"broken")
    with pytest.raises(UserError, match=r"Cannot read a picture of the train split"):
        run(broken)
    picture.write_bytes(content)
    assert (Path(broken["run_dir"]) / "checkpoints" / "recovery.ckpt").is_file()
    assert run(broken)["metrics"] == expected
    losses = [read_curves(Path(c["run_dir"]) / "csv")["train/loss_step"] for c in (whole, broken)]
    assert len(losses[0]) == 20
    assert losses[0] == losses[1]
