"""The docs say what is: the table of networks, and a page for each data set."""

import re
from pathlib import Path

import pytest
from networks import network
from support import compose_config

from gapcam.arch.profile import profile
from gapcam.config_dir import CONFIG_DIR
from gapcam.data.sources import SOURCES
from gapcam.recipes.recipe import recipe_names

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


DATA = Path(__file__).resolve().parents[1] / "docs" / "data"
OPTIONS = sorted(path.stem for path in (CONFIG_DIR / "data").glob("*.yaml"))


@pytest.mark.parametrize("option", [option for option in OPTIONS if option != "digits"])
def test_every_data_set_has_a_page(option: str) -> None:
    page = (DATA / f"{option}.md").read_text()
    own = option == "folders"
    for heading in () if own else ("Where to get it", "expect", "Licence", "Traps", "Try it"):
        assert any(heading in line for line in page.splitlines() if line.startswith("## ")), heading
    assert f"data={option}" in page
    assert f"[`{option}`]({option}.md)" in (DATA / "README.md").read_text()
    # What `get` says and what the page says agree.
    assert (f"gapcam.data get data={option} " in page) == (option in SOURCES)


def test_pages_link_to_pages() -> None:
    for page in DATA.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (DATA / target).is_file(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", sorted(DATA.glob("*.md")), ids=lambda page: page.stem)
def test_settings_on_pages_exist(page: Path) -> None:
    """Every data.<setting> that a page names is one of its option, or of all."""
    option = page.stem if page.stem in OPTIONS else "folders"
    known = set(compose_config(f"data={option}").data)
    named = set(re.findall(r"\bdata\.([a-z0-9_]+)[=` ]", page.read_text()))
    assert named - known - {"caltech"} == set()


ROOT = Path(__file__).resolve().parents[1]
RESULTS = {path.parent.name: path for path in sorted(ROOT.glob("experiments/results/*/table.md"))}


def test_numbers_in_the_readme_are_those_of_the_reports() -> None:
    text = (ROOT / "README.md").read_text()
    block = text.partition("<!-- results -->")[2].partition("<!-- end -->")[0]
    lines = [line for line in block.splitlines() if line.startswith("|") and "±" in line]
    reported = "\n".join(path.read_text() for path in RESULTS.values()).splitlines()
    assert lines
    assert [line for line in lines if line not in reported] == []


def test_every_recipe_says_whether_it_was_run_here() -> None:
    table = (ROOT / "experiments" / "README.md").read_text()
    for name in recipe_names():
        (line,) = [line for line in table.splitlines() if line.startswith(f"| `{name}` |")]
        assert (f"(results/{name}/table.md)" in line) == (name in RESULTS)
        assert line.endswith("| not run |") == (name not in RESULTS)


def test_results_name_no_place_of_the_machine_they_were_made_on() -> None:
    for path in ROOT.glob("experiments/results/*/*"):
        assert not re.search(r"(?<![\w.])/(home|root|work|tmp)/", path.read_text()), path
