"""A small network's checkpoint and maps, for tests of `gapcam.evaluate`.

A test module asks for them by `pytest_plugins = ["evaluation_fixtures"]`.
"""

import shutil
from functools import partial
from pathlib import Path

import pytest
from evaluations import Evaluate, checkpoint_and_maps, evaluated


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint_and_maps(tmp_path_factory.mktemp("made"))


@pytest.fixture
def ckpt(made: Path) -> str:
    return f"ckpt={made}/run/last.ckpt"


@pytest.fixture
def maps(made: Path, tmp_path: Path) -> Path:
    """The maps of the test images, to be spoilt."""
    return Path(shutil.copytree(made / "test", tmp_path / "maps"))


@pytest.fixture
def type_words(tmp_path: Path) -> Evaluate:
    return partial(evaluated, tmp_path / "out")
