import re

import pytest
from recipes_support import make_recipe

from gapcam.errors import UserError
from gapcam.recipes.plan import MissingSettingsError, PlannedRun, compose_run, plan
from gapcam.recipes.recipe import Choice, Recipe

QUOTED = Choice("Q", None, (1.0,))


def digits_run(*words: str) -> PlannedRun:
    return PlannedRun("digits", "a", None, (), (("seed", 1),), ("+experiment=digits", *words))


@pytest.mark.parametrize(
    ("recipe", "words", "expected"),
    [
        (make_recipe(rows={"q": QUOTED}), [], []),
        (make_recipe(), [], ["a arch.units=8 seed=0", "b seed=0"]),
        (make_recipe(), ["data.batch_size=2"], ["a arch.units=8 seed=0 data.batch_size=2",
                                                "b seed=0 data.batch_size=2"]),
        (make_recipe(), ["seed=3,4,3"], ["a arch.units=8 seed=3", "a arch.units=8 seed=4",
                                         "b seed=3", "b seed=4"]),
        (make_recipe(rows={"b": Choice("B"), "q": QUOTED}, sweep={"arch.trim": (0, 1)}), [],
         ["b arch.trim=0 seed=0", "b arch.trim=1 seed=0"]),
        (make_recipe(rows={"b": Choice("B")}, sweep={"arch.trim": (0, 1)}), ["arch.trim=conv1_1"],
         ["b arch.trim=conv1_1 seed=0"]),
        (make_recipe(rows={"b": Choice("B")}), ["optim.lr=0.1,1e-3"],
         ["b-lr0.1 optim.lr=0.1 seed=0", "b-lr0.001 optim.lr=0.001 seed=0"]),
        (make_recipe(rows={"b": Choice("B")}), ["data.counts=[1,2,3],[4,5,6]"],
         ["b-counts_1_2_3 data.counts=[1,2,3] seed=0",
          "b-counts_4_5_6 data.counts=[4,5,6] seed=0"]),
        (make_recipe(rows={"b": Choice("B")}), ["~callbacks.recovery", "gallery=null"],
         ["b seed=0 ~callbacks.recovery gallery=null"]),
        (make_recipe(rows={"b": Choice("B")}, columns={"x": Choice("X", ("data=x",)), "y": QUOTED},
                     repeat={"seed": (0,), "data.split": (1, 2)}), [],
         ["b-x-split1 data=x seed=0 data.split=1", "b-x-split2 data=x seed=0 data.split=2"]),
    ],
)  # fmt: skip
def test_words(recipe: Recipe, words: list[str], expected: list[str]) -> None:
    runs = plan(recipe, words)
    prefixes = [run.words[:2] for run in runs]
    assert all(prefix[0] == "+experiment=small" for prefix in prefixes)
    assert [
        " ".join([row.removeprefix("experiment.row="), *run.words[2:]])
        for (_, row), run in zip(prefixes, runs, strict=True)
    ] == expected


def test_what_the_command_must_give() -> None:
    recipe = make_recipe(name="digits", runs="digits", rows={"a": Choice("A")}, needs=("optim.lr",))
    with pytest.raises(MissingSettingsError, match=r"^optim.lr must be set$"):
        compose_run(plan(recipe)[0])
    assert compose_run(plan(recipe, ["optim.lr=0.5"])[0])["optim"]["lr"] == 0.5


def test_places_in_the_table() -> None:
    recipe = make_recipe(
        rows={"a": Choice("A")}, columns={"x": Choice("X")}, repeat={"seed": (0, 1)}
    )
    first, *_, last = plan(recipe, ["arch.trim=1,2"])
    assert (first.row, first.column, first.point) == ("a", "x", (("arch.trim", 1),))
    assert (last.point, last.repeat) == ((("arch.trim", 2),), (("seed", 1),))
    assert last.title == "a x, trim 2, seed 1"


def test_rows_and_names() -> None:
    (run,) = plan(make_recipe(), [], ["b"], "mine")
    assert run.words[1:4] == ("experiment.row=b", "name=mine/b", "group=mine")
    assert run.row == "b"


@pytest.mark.parametrize(
    ("words", "rows", "message"),
    [
        ([""], [], "Settings are key=value; "),
        (["trim"], [], "Settings are key=value; Error parsing override 'trim'"),
        (["arch.units=16"], [], "the recipe small sets arch.units itself, run by run"),
        (["name=mine"], [], "sets name itself.*--name keeps a variant"),
        (["experiment.row=b"], [], "sets experiment.row itself"),
        (["hydra/launcher=joblib"], [], "without Hydra's launchers. `--commands` prints"),
        ([], ["c"], "small has no row c that is run; it has a, b"),
        ([], ["q", "a"], "small has no row q that is run; it has a, b"),
    ],
)
def test_refused(words: list[str], rows: list[str], message: str) -> None:
    rows_and_quoted = {**make_recipe().rows, "q": QUOTED}
    with pytest.raises(UserError, match=message):
        plan(make_recipe(rows=rows_and_quoted), words, rows)


def test_composes_like_the_command() -> None:
    config = compose_run(digits_run("experiment.row=b", "seed=3"))
    assert config["run_dir"] == "runs/digits/b/trim0/seed3"
    assert config["experiment"] == {"name": "digits", "row": "b"}
    assert "hydra" not in config


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=x"], "seed must be a whole number"),
        (["arch.trimm=1"], r"a, seed 1: Could not override 'arch.trimm'.*\n.*\n"
         r"There is no setting arch.trimm.*Did you mean arch.trim\?"),
        (["arch=vgg_gapp"], r"There is no arch=vgg_gapp. Did you mean vgg_gap"),
        (["arch=3"], "a, seed 1: Config group override must be a string or a list. Got int"),
        (["gallery=${nothing}"], "Interpolation key 'nothing' not found"),
    ],
)  # fmt: skip
def test_does_not_compose(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=re.compile(message, re.DOTALL)):
        compose_run(digits_run(*words))


def test_missing_settings_are_named() -> None:
    with pytest.raises(MissingSettingsError, match=r"^data.root must be set$") as caught:
        compose_run(digits_run("data=ilsvrc"))
    assert caught.value.keys == ("data.root",)
