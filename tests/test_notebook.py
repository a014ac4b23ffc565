"""The notebook of docs/: its cells run one after the other, as they stand."""

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "explain.ipynb"


@pytest.mark.slow
def test_cells_run(
    finished: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").symlink_to(finished[0].parents[2])
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(codes) >= 6
    known: dict[str, Any] = {}
    for code in codes:
        exec(code, known)
    assert float(known["mean"]) == pytest.approx(
        float(known["found"].logits[0, known["label"]]), abs=1e-4
    )
    assert known["three"].class_name() == "3"


def test_it_holds_no_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") for cell in cells)
