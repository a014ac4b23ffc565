"""The page of a report, as text and in headless Chromium."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import pytest
from browser import in_a_browser, opened_in_chromium
from playwright.sync_api import Page
from reported_runs import COLUMNS, line_of, make_run, table_of

from gapcam.reporting.page import PairedDifferences, Report, write_page
from gapcam.reporting.records import RunRecord
from gapcam.reporting.table import Column, Table

TITLES = ("pool, trim 0", "<i>pool</i>, trim 1")


def make_report(folder: Path) -> Report:
    """Two lines of two seeds, one line each that failed, was not run, and is the paper's."""
    lines = [
        line_of(
            title,
            *(
                make_run(folder, trim=trim, seed=seed, wrong=(0.1, 0.2 + trim / 5 + seed / 50))
                for seed in (0, 1)
            ),
            paper=(12.0, None),
        )
        for trim, title in enumerate(TITLES)
    ]
    path = folder / "digits" / "failed" / "trim0" / "seed0"
    path.mkdir(parents=True)
    broken = RunRecord(path, "failed", {"seed": 0, "run_id": "x"}, failure="No room <on> disk")
    failed = replace(line_of("broken"), runs=(broken,), state="failed: No room <on> disk")
    table = table_of(
        *lines,
        failed,
        line_of("later", paper=(30.0, 40.0)),
        note="a <note>",
        recipe="no such recipe",
    )
    apart = replace(
        table_of(line_of("other", make_run(folder, name="other"))),
        reason="another protocol: exact instead of paper",
        recipe=table.recipe,
    )
    paired = PairedDifferences(
        COLUMNS[1],
        TITLES,
        ((None, -20.0), (20.0, None)),
        ((None, -25.0), (15.0, None)),
        ((None, -15.0), (25.0, None)),
        6,
        table.recipe,
    )
    records = tuple(run for line in (*table.lines, *apart.lines) for run in line.runs)
    return Report(
        table.title, (table, apart), records, (paired,), "2026-11-23", "python -m gapcam.report"
    )


def test_an_empty_report_is_a_page(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_page(path, Report("Nothing", (), ()))
    assert "<h1>Nothing</h1>" in path.read_text()


def test_a_table_that_was_not_run_names_its_command(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    table = Table("Table 2", COLUMNS, (line_of("a", paper=(1.0, 2.0)),), recipe="table2")
    write_page(path, Report("Table 2", (table,), ()))
    text = path.read_text()
    assert "No run of this table is finished yet" in text
    assert "<pre>python -m gapcam.experiment table2</pre>" in text


def test_every_table_says_what_is_better_and_what_to_know(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    found = Table("V2", (Column("V2", "exact/max_box_acc_v2"),), ())
    apart = replace(found, reason="other images", note="Trained for 4 epochs and 8 epochs.")
    write_page(path, Report("t", (found, apart), ()))
    text = path.read_text()
    assert text.count("Accuracies: higher is better. Mean ±") == 2
    assert "Errors" not in text
    assert text.count("Trained for 4 epochs and 8 epochs.") == 1


@pytest.mark.parametrize(("is_accuracy", "better"), [(False, "-20.0"), (True, "+20.0")])
def test_the_better_line_is_coloured_as_such(
    tmp_path: Path, is_accuracy: bool, better: str
) -> None:
    report = make_report(tmp_path)
    column = replace(COLUMNS[1], is_accuracy=is_accuracy)
    tables = tuple(replace(one, columns=(COLUMNS[0], column)) for one in report.tables)
    paired = (replace(report.paired[0], column=column),)
    write_page(tmp_path / "report.html", replace(report, tables=tables, paired=paired))
    found = re.findall(r'<td class="surely">([^<]*)', (tmp_path / "report.html").read_text())
    assert found == [better]


@pytest.mark.parametrize(("lines", "is_shown"), [(12, True), (13, False)])
def test_many_pairs_are_left_to_their_file(tmp_path: Path, lines: int, is_shown: bool) -> None:
    titles = tuple(f"net {n}" for n in range(lines))
    square = tuple(tuple(1.0 for _ in titles) for _ in titles)
    paired = PairedDifferences(COLUMNS[1], titles, square, square, square, 9)
    table = table_of(*(line_of(title) for title in titles))
    write_page(tmp_path / "report.html", Report("t", (table,), (), (paired,)))
    text = (tmp_path / "report.html").read_text()
    assert ('class="pairs"' in text) == is_shown
    assert ("paired.csv" in text) != is_shown


def test_nothing_is_fetched_and_nothing_unescaped(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_page(path, make_report(tmp_path))
    text = path.read_text()
    assert re.findall(r"(?:src|href)=\"(?!data:|#|digits/|other/)[^\"]*", text) == []
    assert "default-src 'none'" in text
    for raw in ("<b>dog", "<note>", "<on>", "<i>pool"):
        assert raw not in text


def test_links_are_relative_to_the_page(tmp_path: Path) -> None:
    path = tmp_path / "reports of mine" / "report.html"
    report = make_report(tmp_path / "runs, 1")
    write_page(path, report)
    links = set(re.findall(r'<a href="(\.\.[^"]*)">', path.read_text()))
    assert "../runs%2C%201/digits/small_gap/trim0/seed0/report.html" in links
    assert len(links) == 5  # the failed run has no page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ({}, "seed 0: <span>finished</span></summary>"),
        ({"train": math.nan}, "seed 0: <span>finished</span></summary>"),  # no timer ran
        ({"train": math.nan, "test": 2.0}, "finished</span>, 2.0 s</summary>"),
        ({"train": 75.0, "test": 0.4}, "<dd>train 1 min 15 s, test 0.4 s</dd>"),
    ],
)
def test_how_long_a_run_took(tmp_path: Path, seconds: dict[str, float], words: str) -> None:
    run = make_run(tmp_path)
    run.facts["seconds"] = seconds
    table = table_of(line_of("a", run))
    write_page(tmp_path / "report.html", Report("t", (table,), (run,)))
    assert words in (tmp_path / "report.html").read_text()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    folder = tmp_path_factory.mktemp("report")
    report = make_report(folder)
    write_page(folder / "report.html", report)
    return folder / "report.html", report


@pytest.fixture(scope="module")
def opened(written: tuple[Path, Report]) -> Iterator[tuple[Page, list[str]]]:
    """The page in a browser, and what went wrong there."""
    with opened_in_chromium(written[0]) as found:
        yield found


@pytest.mark.slow
@in_a_browser
def test_opens_without_faults_and_shows_the_numbers_of_the_runs(
    opened: tuple[Page, list[str]], written: tuple[Path, Report]
) -> None:
    page, faults = opened
    assert faults == []
    rows = page.locator("table.paper").first.locator("tbody tr")
    shown = [row.locator("td").all_inner_texts() for row in rows.all()]
    for trim, cells in enumerate(shown[:2]):
        files = [
            written[0].parent / f"digits/small_gap/trim{trim}/seed{seed}/metrics.json"
            for seed in (0, 1)
        ]
        numbers = [json.loads(file.read_text())["metrics"] for file in files]
        found = [100 * one["test/loc_gt_known"] for one in numbers]
        assert cells[0].startswith(TITLES[trim])
        assert cells[4] == f"{mean(found):.2f} ± {stdev(found):.2f}\nn = 2"
        assert cells[1:4] == ["10.00 ± 0.00\nn = 2", "12.00", "-2.00"]
    assert "No room <on> disk" in shown[2][0]
    assert "not run" in shown[3][0]
    assert shown[3][1:] == ["-", "30.00", "-", "-", "40.00", "-"]
    assert "45.00" in shown[-1]
    assert page.locator("table.pairs td.surely").inner_text() == "-20.0\n[-25.0, -15.0]"
    assert "another protocol" in page.locator(".rule").all_inner_texts()[-2]
    images = page.locator("img")
    assert images.count() == 3 * 4  # two lines, and the one apart
    assert all(image.evaluate("i => i.naturalWidth") > 0 for image in images.all())


@pytest.mark.slow
@in_a_browser
def test_filters(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    browser = page.locator(".browser").first
    count, seen = browser.locator("output"), browser.locator("figure:visible")

    def filtered(**wanted: str) -> tuple[str, int]:
        for name, value in wanted.items():
            field = browser.locator(f"[name={name}]")
            if name in ("from", "to"):
                field.fill(value)
            else:
                field.select_option(value)
        found = count.inner_text(), seen.count()
        browser.locator("button[type=reset]").click()
        page.wait_for_function("e => e.textContent.startsWith('6 of')", arg=count.element_handle())
        return found

    assert filtered() == ("6 of 6 pictures", 6)
    assert filtered(line=TITLES[1]) == ("3 of 6 pictures", 3)
    assert filtered(verdict="wrong class") == ("2 of 6 pictures", 2)
    assert filtered(verdict="right", line=TITLES[0]) == ("1 of 6 pictures", 1)
    assert filtered(**{"class": "<b>dog</b>"}) == ("4 of 6 pictures", 4)
    assert filtered(**{"from": "0.2"}) == ("4 of 6 pictures", 4)
    assert filtered(**{"from": "0.2", "to": "0.5"}) == ("2 of 6 pictures", 2)
    assert filtered(**{"from": "0.5", "to": "0.2"}) == ("2 of 6 pictures", 2)


@pytest.mark.slow
@in_a_browser
def test_keys_move_the_filters_and_a_command_is_copied(opened: tuple[Page, list[str]]) -> None:
    page, faults = opened
    page.locator("[name=from]").first.focus()
    page.keyboard.press("End")
    assert page.locator("output").first.inner_text() == "0 of 6 pictures"
    page.locator("button[type=reset]").first.click()
    page.locator(".run summary").first.click()
    button = page.locator(".run button").first
    button.click()
    page.wait_for_function("b => b.textContent != 'copy'", arg=button.element_handle())
    assert "'data.counts=[1,2,3]'" in page.locator(".run pre").first.inner_text()
    assert faults == []


@pytest.mark.slow
@in_a_browser
def test_a_phone_paper_and_no_script(
    opened: tuple[Page, list[str]], written: tuple[Path, Report]
) -> None:
    page, _ = opened
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    closed = page.locator("details.run:not([open]) pre").last
    assert not closed.is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".filters").first.is_visible()
    assert closed.bounding_box()["height"] > 10
    page.emulate_media(media="screen")
    context = page.context.browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(written[0].as_uri())
    assert plain.locator(".browser figure:visible").count() == 6 + 3
    assert plain.locator(".filters:visible").count() == 0
    context.close()
