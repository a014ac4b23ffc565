"""A study that shows all that a study can, for tests of what is around it."""

from PIL import Image

from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.drawing import draw_maps, save
from gapcam.study.extraction import extract
from gapcam.study.outcome import Outcome, Section, Sheet
from gapcam.study.study import Study


class Stub(Study):
    """Averages the features of the test pictures.

    Args:
        refuses: whether `check` does.
        fails: whether `run` does, after the features.
    """

    title = "Averages"

    def __init__(self, refuses: bool = False, fails: bool = False) -> None:
        self.refuses = refuses
        self.fails = fails

    def check(self, bench: Bench) -> None:
        if self.refuses:
            raise UserError("expected something else")

    def run(self, bench: Bench) -> Outcome:
        (features,) = extract(bench, [bench.data.test])
        if self.fails:
            raise RuntimeError("power cut")
        square = Image.new("RGB", (40, 30), "red")
        maps = draw_maps(bench, bench.network, bench.data, bench.data.test, [0], "map")
        means = features.mean(1).tolist()
        return Outcome(
            metrics={"cls_top1": 0.25, "average_precision": 0.5, "floor_average_precision": 0.125},
            evaluated_on=f"{len(features)} pictures",
            headline="Averages are <small>.",
            sections=[
                Section(
                    "Means",
                    ["One a picture."],
                    [Sheet(["picture", "mean"], [["a|b", 0.5], ["c", None]], "of units")],
                    pictures=[save(bench, "square", square, "a square"), *maps],
                ),
                Section("More", ["A page of its own."], anchor="more"),
            ],
            rows=Sheet(["index", "mean"], [[row, mean] for row, mean in enumerate(means)]),
            tables={"extra": Sheet(["a"], [[1], [None]])},
            repeats={"cls_top1": [0.2, 0.3]},
            intervals={"average_precision": (0.25, 0.75)},
            notes=["it is a stub"],
            facts={"of_the_stub": 3},
        )
