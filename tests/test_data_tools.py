"""What the commands about data sets say; `check` and `get` are tested beside what they use."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf
from rich.console import Console
from support import compose_config
from twins import make_cub200

from gapcam.data_tools import speed


@pytest.mark.parametrize(
    ("loaded", "needed", "expected"),
    [
        (1000, 500, "The loader is 2.0 times as fast as the network needs."),
        (500, 500, "The loader is 1.0 times as fast as the network needs."),
        # 4 workers give 400, so 1000 take 10, and a fifth more to be safe.
        (400, 1000, "The network waits for the loader, which gives 40% of what it needs. 12 work"),
    ],
)
def test_verdict(loaded: float, needed: float, expected: str) -> None:
    assert speed.verdict(loaded, needed, workers=4).startswith(expected)


def test_speed_measures_loader_and_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_cub200(tmp_path / "cub")
    settings = ["data=cub200", f"data.root={root}", "data.batch_size=2", "arch.size=[32,32]"]
    plain = OmegaConf.to_container(compose_config(*settings), resolve=True)
    assert isinstance(plain, dict)
    assert speed.run("cub200", {**plain, "seconds": 0.1, "workers": 0}, Console(width=120)) == 0
    printed = capsys.readouterr().out
    assert "loader, 0 workers" in printed
    assert "SmallGAP training on" in printed
