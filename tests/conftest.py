"""What several tests share: the shared real data, configurations, a generated ILSVRC."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from support import compose_config, make_ilsvrc

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real data are not in {REAL_DATA}")
    return REAL_DATA


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Compose a resolved, plain configuration from overrides, with runs in `tmp_path`."""

    def _configure(*overrides: str) -> dict[str, Any]:
        config = compose_config(*overrides, f"runs={tmp_path}")
        return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)

    return _configure


@pytest.fixture
def ilsvrc_root(tmp_path: Path) -> Path:
    """Three classes in the Kaggle layout: four training and one or two validation pictures each."""
    return make_ilsvrc(tmp_path / "ilsvrc")
