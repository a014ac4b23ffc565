import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reported_runs import line_of, make_run, picture, table_of

from gapcam.reporting.gallery import Room, table_gallery
from gapcam.reporting.pictures import Picture, made_small, what_was_found


def decoded(url: str) -> np.ndarray:
    kind, _, text = url.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")).astype(int)


def test_a_table_without_runs_has_no_pictures() -> None:
    gallery = table_gallery(table_of(line_of("not run")), Room())
    assert (gallery.lines, gallery.same, gallery.pictures, gallery.left_out) == ((), (), (), 0)


def test_the_caption_drawn_by_the_run_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    picture(0).save(path)
    whole = np.asarray(picture(0)).astype(int)
    height = whole.shape[0] - 24
    small = decoded(made_small(path, 10_000))
    assert small.shape == (height, *whole.shape[1:])
    assert np.abs(small - whole[:height]).mean() < 4
    alone = decoded(made_small(path, 10_000, overlay_alone=True))
    assert alone.shape == (height, (whole.shape[1] - 4) // 2, 3)
    assert np.abs(alone - whole[:height, -alone.shape[1] :]).mean() < 4


def test_pictures_are_made_small(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    picture(0).save(path)
    assert decoded(made_small(path, 360)).shape[1] == 360


@pytest.mark.parametrize(
    ("index", "caption", "verdict"),
    [
        (0, "cat (right), IoU 0.90", "right"),
        (3, "<b>dog</b> (box missed), IoU 0.45", "box missed"),
        (5, "cat (wrong class), true: <b>dog</b>, IoU 0.00", "wrong class"),
    ],
)
def test_captions_say_what_the_rows_say(
    tmp_path: Path, index: int, caption: str, verdict: str
) -> None:
    found = what_was_found(make_run(tmp_path).path, [index])
    assert list(found) == [index]
    one = Picture("", "", "best", 1, index, *found[index])
    assert (one.caption, one.verdict, one.name) == (caption, verdict, f"test/{index}")


def test_an_image_without_a_true_box_has_no_iou(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "index,image,label,label_name,guess_1,guess_1_iou\n7,a,0,cat,0,\n8,b,0,cat,3,\n"
    )
    found = what_was_found(tmp_path, [7, 8])
    assert [(one.iou, one.verdict, one.guess) for one in found.values()] == [
        (None, "right", "cat"),
        (None, "wrong class", "class 3"),
    ]


@pytest.mark.parametrize("text", [None, "", "index,image\n0,a\n", "index,label,label_name\n0,1\n"])
def test_pictures_without_rows_are_shown_without_a_verdict(
    tmp_path: Path, text: str | None
) -> None:
    run = make_run(tmp_path)
    (run.path / "rows.csv").unlink()
    if text is not None:
        (run.path / "rows.csv").write_text(text)
    gallery = table_gallery(table_of(line_of("a", run)), Room())
    assert len(gallery.pictures) == 3
    assert (gallery.verdicts, gallery.classes, gallery.has_iou) == ([], [], False)


def test_foreign_files_among_the_pictures_are_left_alone(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    for name in ("notes-of-mine.png", "best-01.png", "best-01-1.txt", "best-02-2.png"):
        (run.path / "cams" / name).write_text("no picture")
    assert len(table_gallery(table_of(line_of("a", run)), Room()).pictures) == 3


def test_order_and_filters(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, trim=trim) for trim in (0, 1)]
    gallery = table_gallery(table_of(*map(line_of, "ab", runs)), Room())
    places = [(one.line, one.group, one.rank, one.index) for one in gallery.pictures]
    assert places == [
        (line, *place)
        for line in "ab"
        for place in (("best", 1, 1), ("worst", 1, 5), ("worst", 2, 4))
    ]
    assert gallery.classes == ["<b>dog</b>", "cat"]
    assert gallery.verdicts == ["right", "wrong class", "box missed"]


@pytest.mark.parametrize(
    ("images", "rows"), [("0123", [(True, True)]), ("other", [(True, False), (False, True)])]
)
def test_only_the_same_images_stand_side_by_side(
    tmp_path: Path, images: str, rows: list[tuple[bool, bool]]
) -> None:
    runs = [make_run(tmp_path), make_run(tmp_path, trim=1, images=images)]
    gallery = table_gallery(table_of(*map(line_of, "ab", runs)), Room())
    assert [tuple(one is not None for one in row) for row in gallery.same] == rows


def test_the_first_repeat_alone_is_shown(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, seed=seed) for seed in (0, 1)]
    unfinished = replace(make_run(tmp_path, seed=2), state="unfinished")
    gallery = table_gallery(table_of(line_of("a", *runs, unfinished)), Room())
    assert (len(gallery.same), len(gallery.pictures)) == (1, 3)


def test_where_room_runs_out_no_line_loses_all(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, trim=trim) for trim in (0, 1)]
    table = table_of(*map(line_of, "ab", runs))
    everything = table_gallery(table, Room())
    urls = [one.url for row in everything.same for one in row if one]
    urls += [one.url for one in everything.pictures]
    room = Room(sum(map(len, urls)) - 1)
    gallery = table_gallery(table, room)
    assert gallery.left_out == 1
    assert len(gallery.pictures) == 5
    nothing = table_gallery(table, Room(0))
    assert (nothing.same, nothing.pictures, nothing.left_out) == ((), (), 8)
