from pathlib import Path

import pytest

from gapcam.config_dir import RECIPES_DIR
from gapcam.errors import UserError
from gapcam.recipes import recipe as module
from gapcam.recipes.plan import MissingSettingsError, PlannedRun, compose_run, plan
from gapcam.recipes.recipe import Choice, read_recipe, recipe_names, require_own_name

LONGEST = 40

WHOLE = """# @package _global_
# What it shows.
#   python -m gapcam.experiment small
# Time: 3 minutes.
# Expected: little
name: small/${experiment.row}
experiment:
  name: small
  row: a
  title: Small
  metrics: {top-1: loc_top1, accuracy: [1 - cls_top1, exact/cls_top1]}
  sweep: {arch.trim: [0, 1]}
  needs: [arch.weights]
  rows:
    a: {title: A, settings: [arch=vgg_gap], paper: [1, null]}
    quoted: {title: Others, paper: [2.5, 3]}
"""


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "RECIPES_DIR", tmp_path)
    (tmp_path / "small.yaml").write_text(WHOLE)
    (tmp_path / "a_sweep_file.yaml").write_text("program: gapcam\n")
    return tmp_path


@pytest.mark.usefixtures("recipes")
def test_reads_what_is_written() -> None:
    assert recipe_names() == ["small"]
    recipe = read_recipe("small")
    assert recipe.title == "Small"
    assert recipe.metrics == {
        "top-1": ("loc_top1",),
        "accuracy": ("1 - cls_top1", "exact/cls_top1"),
    }
    assert recipe.rows == {
        "a": Choice("A", ("arch=vgg_gap",), (1.0, None)),
        "quoted": Choice("Others", None, (2.5, 3.0)),
    }
    assert recipe.sweep == {"arch.trim": (0, 1)}
    assert recipe.repeat == {"seed": (0,)}
    assert recipe.columns == {}
    assert recipe.needs == ("arch.weights",)
    assert recipe.header.splitlines()[0] == "What it shows."
    assert recipe.time == "3 minutes"


def test_runs_of_another_recipe(recipes: Path) -> None:
    (recipes / "other.yaml").write_text(
        "# @package _global_\nexperiment: {name: other, runs: small, title: O,\n"
        "  metrics: {x: cls_top1},\n"
        "  rows: {a: {title: its own}, quoted: {title: Others, paper: [1]}}}\n"
    )
    other = read_recipe("other")
    assert other.runs == "small"
    assert other.rows["a"] == Choice("its own", ("arch=vgg_gap",))
    assert other.rows["quoted"].settings is None
    assert plan(other)[0].words[:2] == ("+experiment=small", "experiment.row=a")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (WHOLE, "# @package _global_\n", "small.yaml is no recipe: "),
        (WHOLE, "# @package _global_\nexperiment: {name: [}", "(?s)is no recipe: .*expected"),
        ("  title: Small\n", "", "'title' is missing"),
        ("title: A,", "titel: A,", "a has titel; known are paper, settings, title"),
        ("  row: a\n", "  line: a\n", "experiment has line; known are columns, "),
        ("name: small\n", "name: big\n", "experiment.name is big, the file is called small"),
        ("[1, null]", "[1]", "rows.a.paper must have 2 numbers"),
        ("[arch=vgg_gap]", "arch=vgg_gap", "a.settings must be a list; got 'arch=vgg_gap'"),
        ("{arch.trim: [0, 1]}", "{arch.trim: 0}", "arch.trim must be a list; got 0"),
        ("[arch.weights]", "arch.weights", "needs must be a list; got 'arch.weights'"),
        ("{arch.trim: [0, 1]}", "{arch.trim: []}", "arch.trim has no values"),
        ("settings: [arch=vgg_gap], ", "", "no row has settings, so there is nothing to run"),
        (", paper: [2.5, 3]", "", "quoted has neither settings nor numbers of the paper"),
        ("  row: a\n", "  runs: big\n", "runs is big, and there is no such recipe"),
        (
            "exact/cls_top1",
            "exact/cls_topp1",
            "metrics.accuracy is exact/cls_topp1; known are cls_top1, ",
        ),
        ("title: Others", "title: A", "several rows have the title A[.] "),
        ("  sweep:", "  columns: {x: {title: X, settings: []}}\n  sweep:", "go with one metric"),
        ("  row: a\n", "  command: evaluate\n", "command is evaluate; known are run, study"),
        (
            "{top-1: loc_top1, accuracy: [1 - cls_top1, exact/cls_top1]}",
            "{top-1: loc_top1}\n  columns: {x: {title: X, metric: cls_top}}",
            "metrics.x is cls_top; known are cls_top1, ",
        ),
    ],
)
def test_malformed(recipes: Path, old: str, new: str, message: str) -> None:
    assert old in WHOLE
    (recipes / "small.yaml").write_text(WHOLE.replace(old, new))
    with pytest.raises(UserError, match=message):
        read_recipe("small")


def test_letters_of_another_encoding(recipes: Path) -> None:
    (recipes / "small.yaml").write_bytes(WHOLE.replace("Small", "Größe").encode("latin-1"))
    assert recipe_names() == ["small"]
    with pytest.raises(UserError, match=r"small\.yaml is no recipe: 'utf-8' codec can't decode"):
        read_recipe("small")


@pytest.mark.usefixtures("recipes")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "There is no experiment ''. There are small.$"),
        ("smal", "There is no experiment 'smal'. There are small. Did you mean small"),
    ],
)
def test_unknown(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_recipe(name)


@pytest.mark.usefixtures("recipes")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "must be letters"),
        ("a/b", "must be letters"),
        ("..", "must be letters"),
        ("a,b", "must be letters"),
        ("small", "that is an experiment"),
    ],
)
def test_names_of_variants(name: str, message: str) -> None:
    require_own_name("small-2")
    with pytest.raises(UserError, match=message):
        require_own_name(name)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_short_and_says_what_to_expect(name: str) -> None:
    text = (RECIPES_DIR / f"{name}.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    recipe = read_recipe(name)
    assert f"python -m gapcam.experiment {name}" in recipe.header
    assert recipe.time
    assert "Expected:" in recipe.header


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_composes(name: str) -> None:
    _require_composing(name, plan(read_recipe(name))[:1])


@pytest.mark.slow
@pytest.mark.parametrize("name", recipe_names())
def test_every_run_of_every_recipe_composes(name: str) -> None:
    _require_composing(name, plan(read_recipe(name)))


def _require_composing(name: str, runs: list[PlannedRun]) -> None:
    folders = set()
    runs_of = read_recipe(name).runs
    for run in runs:
        try:
            config = compose_run(run)
        except MissingSettingsError as error:
            given = tuple(f"{key}=somewhere" for key in error.keys)
            config = compose_run(PlannedRun(**{**vars(run), "words": run.words + given}))
        assert config["group"] == runs_of
        assert config["run_dir"].startswith(f"runs/{runs_of}/")
        assert config["experiment"]["name"] == runs_of
        folders.add(config["run_dir"])
    assert len(folders) == len({run.words for run in runs})
