"""The benchmarks can at least begin: what they import exists."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_begins(path: Path) -> None:
    assert callable(runpy.run_path(str(path))["main"])
