from pathlib import Path

import numpy as np
import pytest
from written_runs import make_recipe, write_rows, write_run

from gapcam.recipes.recipe import Choice
from gapcam.reporting.collect import collect
from gapcam.reporting.page import PairedDifferences
from gapcam.reporting.paired import paired_differences, resampled_means
from gapcam.reporting.tables import recipe_tables

ROWS = {key: Choice(key.upper(), ()) for key in ("a", "b", "c")}


def compare(runs: Path, **recipe: object) -> tuple[list[PairedDifferences], list[str]]:
    tables, _ = recipe_tables(make_recipe(rows=ROWS, **recipe), collect([runs]).records)
    return paired_differences(tables)


def test_nothing_to_compare(tmp_path: Path) -> None:
    assert paired_differences([]) == ([], [])
    write_run(tmp_path, row="a")
    assert compare(tmp_path) == ([], [])


@pytest.mark.parametrize("images", [1, 7, 200])
def test_resampled_means_as_a_slow_loop(images: int) -> None:
    scores = np.random.default_rng(3).random((3, images))
    generator = np.random.default_rng(5)
    slow = []
    for _ in range(20):
        drawn = generator.integers(images, size=images)
        slow.append([sum(line[image] for image in drawn) / images for line in scores])
    np.testing.assert_allclose(resampled_means(scores, 20, seed=5), slow, rtol=1e-12)


def test_draws_do_not_depend_on_how_many_are_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = np.random.default_rng(0).random((2, 50))
    expected = resampled_means(scores, 30)
    monkeypatch.setattr("gapcam.reporting.paired._DRAWN_AT_ONCE", 120)
    np.testing.assert_allclose(resampled_means(scores, 30), expected, rtol=1e-12)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        scores = (generator.random((2, 150)) < [[0.4], [0.3]]).astype(float)
        means = resampled_means(scores, 200, seed=trial)
        low, high = np.quantile(means[:, 0] - means[:, 1], [0.025, 0.975])
        hits += low <= 0.1 <= high
    assert 180 <= hits <= 198


def test_differences_are_of_means_over_repeats(tmp_path: Path) -> None:
    write_run(tmp_path, "rrrb" * 5, row="a", seed=0)
    write_run(tmp_path, "rrcb" * 5, row="a", seed=1)
    write_run(tmp_path, "rrrr" * 5, row="b", seed=0)
    (found,), notes = compare(tmp_path)
    assert notes == []
    assert found.lines == ("A", "B")
    assert found.column.name == "loc_top1"
    assert found.difference == ((None, 37.5), (-37.5, None))
    assert (found.images, found.recipe) == (20, "digits")
    assert found.lower[0][1] is not None
    assert found.upper[0][1] is not None
    assert 0 < found.lower[0][1] < 37.5 < found.upper[0][1]
    assert found.lower[1][0] == pytest.approx(-found.upper[0][1])


def test_what_both_get_wrong_is_no_chance(tmp_path: Path) -> None:
    for row in ("a", "b"):
        write_run(tmp_path, "rbbr" * 5, row=row)
    (found,), _ = compare(tmp_path)
    assert found.lower[0][1] == found.upper[0][1] == 0


def test_accuracies_have_the_other_sign(tmp_path: Path) -> None:
    write_run(tmp_path, "rr", row="a")
    write_run(tmp_path, "rb", row="b")
    (errors,), _ = compare(tmp_path, metrics={"top-1": ("loc_top1",)})
    (accuracies,), _ = compare(tmp_path, metrics={"top-1": ("1 - loc_top1",)})
    assert errors.difference[0][1] == -50
    assert accuracies.difference[0][1] == 50


@pytest.mark.parametrize(
    ("metrics", "name"),
    [
        ({"v": ("exact/max_box_acc_v2",)}, None),
        ({"v": ("exact/loc_top1",)}, None),
        ({"v": ("exact/loc_top1", "paper/loc_gt_known")}, "paper/loc_gt_known"),
        ({"v": ("cls_top1",)}, "cls_top1"),
        ({"v": ("cls_top1",), "w": ("loc_gt_known",), "x": ("loc_top1",)}, "loc_gt_known"),
    ],
)
def test_the_number_compared(tmp_path: Path, metrics: dict[str, tuple[str]], name: str) -> None:
    for row in ("a", "b"):
        write_run(tmp_path, row=row)
    found, _ = compare(tmp_path, metrics=metrics)
    assert [one.column.name for one in found] == ([] if name is None else [name])


def test_images_of_several_seeds_are_put_together(tmp_path: Path) -> None:
    for row, several in (("a", ("rr", "rrb")), ("b", ("rb", "rbb", "cc"))):
        for seed, outcomes in enumerate(several):
            write_run(tmp_path, outcomes, row=row, seed=seed, test=f"drawn by {seed}")
    (found,), _ = compare(tmp_path)
    assert found.images == 5  # the third seed's images are b's alone
    assert found.difference[1][0] == pytest.approx(100 * (3 - 1) / 5)


def test_lines_that_share_no_image(tmp_path: Path) -> None:
    for row, seeds in (("a", (0, 1)), ("b", (0,)), ("c", (1,))):
        for seed in seeds:
            write_run(tmp_path, row=row, seed=seed, test=f"drawn by {seed}")
    assert compare(tmp_path) == (
        [],
        ["No paired differences: no image was seen by all of A; B; C"],
    )


def test_a_changed_file_leaves_its_run_out(tmp_path: Path) -> None:
    paths = [write_run(tmp_path, row=row) for row in ROWS]
    write_rows(paths[1] / "rows.csv", "rrrr")
    (found,), notes = compare(tmp_path)
    assert found.lines == ("A", "C")
    assert len(notes) == 1
    assert notes[0].startswith(f"Left out of the paired differences: {paths[1] / 'rows.csv'} gives")
