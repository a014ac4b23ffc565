"""The table of docs/networks.md says what the networks are."""

from pathlib import Path

import pytest
from networks import network

from gapcam.arch.profile import profile

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "networks.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("<!-- benchmarks/networks.py -->")[2].splitlines()
    if line.startswith("| ") and "---" not in line
][1:]


def test_the_table_is_there() -> None:
    assert {row[0] for row in ROWS} >= {"alexnet", "vgg_gap", "googlenet_gmp", "nin"}
    assert any(row[0].startswith("timm_gap") for row in ROWS)


@pytest.mark.parametrize("row", [row for row in ROWS if " " not in row[0]], ids=" ".join)
def test_row(row: list[str]) -> None:
    arch, variant, trim, last_layer, maps, parameters, gflops = row[:7]
    if variant.startswith("stride_last"):
        pytest.skip("a foreign network, see test_foreign")
    settings = [f"arch={arch}", f"arch.trim={trim}"]
    module = network(*settings, *([f"arch.variant={variant}"] if variant else []))
    found = profile(module, module.size, module.last_layer)
    assert module.last_layer == last_layer
    assert "x".join(map(str, found.mapping_resolution)) == maps
    assert f"{found.parameters:,}" == parameters
    assert f"{found.flops / 1e9:.2f}" == gflops
    assert all(float(cell) > 0 for cell in row[7:])
