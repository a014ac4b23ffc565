import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from reported_runs import COLUMNS, line_of, make_run, table_of

from gapcam.reporting.curve_figures import mean_curve
from gapcam.reporting.drawing import AT_MOST, figure_of, legend, style, svg
from gapcam.reporting.figures import left_out, mean_mistakes, table_figures
from gapcam.reporting.series import table_series
from gapcam.reporting.table import Column, Table, as_error

SVG = "{http://www.w3.org/2000/svg}"


def words(drawn: str) -> list[str]:
    """All text of a drawing; it must be well-formed."""
    return ["".join(text.itertext()) for text in ET.fromstring(drawn).iter(f"{SVG}text")]


@pytest.fixture
def sweep(tmp_path: Path) -> Table:
    """Fine maps stand before coarse ones; two seeds each."""
    fine = [make_run(tmp_path, trim=1, seed=seed, wrong=(0.3, 0.5 + seed / 10)) for seed in (0, 1)]
    coarse = [make_run(tmp_path, seed=seed, wrong=(0.1, 0.2)) for seed in (0, 1)]
    return table_of(line_of("pool, trim 1", *fine), line_of("pool, trim 0", *coarse))


def test_a_table_without_runs_has_no_figures() -> None:
    assert table_figures(table_of(line_of("not run")), "t") == []
    assert table_figures(Table("empty", COLUMNS, ()), "t") == []


def test_every_figure_of_a_sweep(sweep: Table) -> None:
    figures = {figure.title: figure.svg for figure in table_figures(sweep, "t")}
    assert list(figures) == [
        "Map size against error: pool",
        "What is wrong with the boxes",
        "Threshold against objects found (exact)",
        "Classification error while training",
        "Localization error while training, class given",
    ]
    maps = words(figures["Map size against error: pool"])
    assert maps.index("16x16") < maps.index("32x32")  # coarse to fine, whatever the table's order
    assert {"classification", "class given", "floor: best centred box"} <= set(maps)
    assert "the paper's 20 %" in words(figures["Threshold against objects found (exact)"])
    for title, drawn in figures.items():
        assert title.startswith("Map size") or {"pool, trim 0", "pool, trim 1"} <= set(words(drawn))


def test_shares_of_mistakes_are_written_into_the_bars(sweep: Table) -> None:
    bars = next(f.svg for f in table_figures(sweep, "t") if f.title.startswith("What is wrong"))
    # Means of two seeds: of the fine maps 90 - 55 % are right, of the coarse ones 90 - 20 %.
    numbers = [
        (float(found[2]), float(found[1]), word)
        for text in ET.fromstring(bars).iter(f"{SVG}text")
        if (word := "".join(text.itertext())) in {"35", "10", "55", "70", "20"}
        and (
            found := re.search(r"(?:translate\(|rotate\(\S+ )(\S+) (\S+)\)", text.get("transform"))
        )
    ]
    by_height = sorted({height for height, _, word in numbers if word in {"35", "70"}})
    lines = [
        [word for height, _, word in sorted(numbers, key=lambda n: n[1]) if abs(height - y) < 1]
        for y in by_height
    ]
    assert lines == [["35", "10", "55"], ["70", "10", "20"]]  # one after the other


def test_columns_of_one_title_are_told_apart(sweep: Table) -> None:
    columns = (replace(COLUMNS[1], name="exact/loc_gt_known", protocol_title="exact"), COLUMNS[1])
    maps = next(iter(table_figures(replace(sweep, columns=columns), "t")))
    assert {"class given (exact)", "class given (paper)"} <= set(words(maps.svg))


def test_a_repeat_without_its_log_takes_no_name_from_a_line(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, seed=seed) for seed in (0, 1)]
    (runs[0].path / "csv" / "version_0" / "metrics.csv").unlink()
    training = table_figures(table_of(line_of("pool", *runs)), "t")[-1]
    assert training.title.startswith("Localization error while training")
    assert "pool" in words(training.svg)


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ([], set()),
        (["short", "floor: box around the whole image"], {"floor: box around the whole image"}),
        (
            [f"GoogLeNet-GAP on ILSVRC, learning rate 0.{n}" for n in range(2)],
            {"GoogLeNet-GAP…rning rate 0.0", "GoogLeNet-GAP…rning rate 0.1"},
        ),
    ],
)
def test_names_of_a_legend_fit_and_differ(labels: list[str], shown: set[str]) -> None:
    with figure_of() as (figure, axes):
        for label in labels:
            axes.plot([0, 1], [0, 1], label=label)
        legend(figure, *axes.get_legend_handles_labels())
        assert shown <= set(words(svg(figure, "t", "t")))


def test_height_of_the_lines(tmp_path: Path) -> None:
    lines = [
        line_of(f"pool, trim {trim}", make_run(tmp_path, trim=trim, wrong=(0.25 * (trim + 1), 0.5)))
        for trim in (0, 1, 2)
    ]
    svg = table_figures(table_of(*lines), "t")[0].svg
    path = next(
        path.get("d", "")
        for path in ET.fromstring(svg).iter(f"{SVG}path")
        if "--series0" in path.get("style", "") and path.get("d", "").count("L") == 2
    )
    heights = [float(y) for y in re.findall(r"[ML] \S+ (\S+)", path)]
    steps = -np.diff(heights)
    assert steps[0] > 0  # 25, 50, 75 %: upwards, in equal steps
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-4)


def test_any_title_leaves_a_drawing_well_formed(tmp_path: Path) -> None:
    title = '<b>a & "b"</b> $x_1$'
    table = table_of(line_of(title, make_run(tmp_path)))
    for figure in table_figures(table, "t"):
        assert title[:20] in " ".join(words(figure.svg))


def test_names_within_a_page_do_not_clash(sweep: Table) -> None:
    drawn = [f.svg for name in ("one", "two") for f in table_figures(sweep, name)]
    ids = [found for svg in drawn for found in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))
    assert all(set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(ids) for svg in drawn)


def test_the_same_runs_give_the_same_drawing(sweep: Table) -> None:
    assert table_figures(sweep, "t") == table_figures(sweep, "t")


def test_more_lines_than_colours(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, name=f"row{n}") for n in range(AT_MOST + 2)]
    table = table_of(*(line_of(f"row {n}", run) for n, run in enumerate(runs)))
    assert left_out(table) == 2
    looks = {(look["color"], look["linestyle"]) for look in map(style, range(AT_MOST))}
    assert len(looks) == AT_MOST
    bars = next(f.svg for f in table_figures(table, "t") if f.title.startswith("What is wrong"))
    assert f"row {AT_MOST - 1}" in words(bars)
    assert f"row {AT_MOST}" not in words(bars)


@pytest.mark.parametrize(
    ("column", "error"),
    [
        (Column("", "loc_top1"), 30.0),
        (Column("", "cls_top1", is_accuracy=True), 70.0),
        (Column("", "exact/max_box_acc_v2"), 70.0),
    ],
)
def test_everything_is_drawn_as_an_error(column: Column, error: float) -> None:
    assert as_error(column, 30.0) == error


def test_mean_curve_over_seeds(sweep: Table) -> None:
    fine, _ = table_series(sweep)
    thresholds, found = mean_curve(fine, "exact")
    assert thresholds.tolist() == [0, 0.5, 0.9]
    np.testing.assert_allclose(found, [0, 45, 0])  # of 50 % and 40 %
    assert mean_curve(fine, "paper") is None


@pytest.mark.parametrize("text", ["", "threshold\n", "threshold,v1_50\n0,many\n", "a,b\n0,1\n"])
def test_a_malformed_curve_is_left_out(sweep: Table, text: str) -> None:
    fine, _ = table_series(sweep)
    (fine.runs[1].path / "curve-exact.csv").write_text(text)
    assert mean_curve(fine, "exact") is None


def test_mean_mistakes(sweep: Table) -> None:
    fine, _ = table_series(sweep)
    assert mean_mistakes(fine)["part"] == pytest.approx(55)
    assert sum(mean_mistakes(fine).values()) == pytest.approx(100)
