"""What protocols make of maps, against the same written slowly."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from slow_protocols import (
    CLASSES,
    CUT,
    FULL,
    SIZES,
    VIEW,
    in_original,
    iou,
    larger,
    largest,
    masks,
    on_grid,
    seen,
    title,
)

from gapcam.cam.dt_box import dt_boxes, loose_and_tight
from gapcam.cam.views import region, ten_offsets
from gapcam.protocol import PUBLISHED, Protocol


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine, torch's threads wait longer for each other than small tensors take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


EXACT = replace(PUBLISHED["exact"], steps=12)
SWEPT = [
    (EXACT, "whole"),
    (EXACT, "centre"),
    (EXACT, "ten"),
    (replace(EXACT, grid="original"), "centre"),
    (replace(EXACT, grid="original", grey=True, connectivity=4), "whole"),
    (replace(EXACT, grid=19, interpolation="cubic", normalise="max"), "centre"),
    (replace(EXACT, grid=32, merge="absolute", coverage=False), "ten"),
]


@pytest.mark.parametrize(("protocol", "kind"), CUT, ids=title)
def test_boxes_equal_the_slow_rule(protocol: Protocol, kind: str) -> None:
    one = seen(kind)
    found = protocol.boxes(one.maps, VIEW, one.regions, one.sizes)
    assert found.shape == (len(SIZES), CLASSES, 1, 4)
    for row in range(len(SIZES)):
        for number in range(CLASSES):
            grid, part = on_grid(protocol, one, row, number)
            (mask,) = masks(protocol, grid, [protocol.threshold])
            expected = in_original(largest(protocol, mask), grid, part)
            assert found[row, number, 0].tolist() == pytest.approx(expected, abs=1e-4)
            assert expected[2] > expected[0]


@pytest.mark.parametrize(("protocol", "kind"), SWEPT, ids=title)
def test_a_sweep_equals_the_slow_rule_in_pixels_of_the_original(
    protocol: Protocol, kind: str
) -> None:
    one = seen(kind)
    found = protocol.sweep(*one.swept)
    assert found.largest_NT.shape == found.any_NT.shape == (len(SIZES), protocol.steps)
    structure = np.ones((3, 3)) if protocol.connectivity == 8 else None
    for row in range(len(SIZES)):
        true = one.truth[row, : one.counts[row]].tolist()
        grid, part = on_grid(protocol, one, row, 0)
        for place, mask in enumerate(masks(protocol, grid, protocol.thresholds.tolist())):
            slices = ndimage.find_objects(ndimage.label(mask, structure)[0])
            every = [[x.start, y.start, x.stop, y.stop] for y, x in slices]
            first, *rest = (
                max((iou(in_original(box, grid, part), t) for t in true), default=0.0)
                for box in [largest(protocol, mask), *every]
            )
            assert found.largest_NT[row, place] == pytest.approx(first, abs=1e-6)
            assert found.any_NT[row, place] == pytest.approx(max(rest, default=0), abs=1e-6)


@pytest.mark.parametrize("kind", ["whole", "centre", "ten"])
def test_a_sweep_says_what_the_boxes_at_each_threshold_are_worth(kind: str) -> None:
    """Also where a crop leaves a part of the true box outside."""
    one = seen(kind)
    found = EXACT.sweep(*one.swept)
    for place, threshold in enumerate(EXACT.thresholds.tolist()):
        boxes = EXACT.at(threshold).boxes(one.maps, VIEW, one.regions, one.sizes)[:, 0, 0]
        for row, box in enumerate(boxes.tolist()):
            true = one.truth[row, : one.counts[row]].tolist()
            expected = max((iou(box, t) for t in true), default=0.0)
            assert found.largest_NT[row, place] == pytest.approx(expected, abs=1e-5)


def test_contours_are_compared_as_published() -> None:
    """True boxes are truncated to the grid, boxes are a pixel too large, IoU adds one."""
    protocol = replace(PUBLISHED["wsolevaluation"], steps=20, grid=24)
    one = seen("whole")
    found = protocol.sweep(*one.swept)
    for row, (height, width) in enumerate(SIZES):
        scale = np.array([24 / width, 24 / height] * 2)
        inclusive = one.truth[row, : one.counts[row]].double().numpy() - [0, 0, 1, 1]
        true = [[int(corner) for corner in box * scale] for box in inclusive]
        grid, _ = on_grid(protocol, one, row, 0)
        for place, mask in enumerate(masks(protocol, grid, protocol.thresholds.tolist())):
            x0, y0, x1, y1 = largest(protocol, mask)
            box = [x0, y0, min(x1, 23) + 1, min(y1, 23) + 1]
            expected = max((iou(box, [*t[:2], t[2] + 1, t[3] + 1]) for t in true), default=0.0)
            assert found.largest_NT[row, place] == expected


@pytest.mark.parametrize(
    ("kind", "levels"), [("ten", (20, 100, 110)), ("ten", (5, 60, 200)), ("whole", (20, 100, 110))]
)
def test_the_released_rule(kind: str, levels: tuple[int, int, int]) -> None:
    """The views are added on the squashed picture; it is resized to the original, then 8 bit."""
    protocol = replace(PUBLISHED["released"], levels=levels)
    one = seen(kind)
    found = protocol.boxes(one.maps, VIEW, one.regions, one.sizes)
    side = FULL[0] if kind == "ten" else VIEW[0]
    canvas = Protocol(
        name="mine", grid=side, interpolation="matlab", merge="absolute", coverage=False
    )
    for row, size in enumerate(one.sizes.tolist()):
        for number in range(CLASSES):
            total, _ = on_grid(canvas, one, row, number)
            heat = larger(torch.from_numpy(np.abs(total)), size, "matlab")
            grey = np.floor(np.clip(heat / heat.max() * 255 + 0.5, 0, 255)).astype(np.uint8)
            expected = loose_and_tight(dt_boxes(torch.from_numpy(grey), levels))
            assert found[row, number].tolist() == expected.tolist()


def test_the_released_rule_takes_each_image_by_itself() -> None:
    """Pictures that keep their shape are resized to different sizes."""
    rule, one = PUBLISHED["released"], seen("ten")
    full = [(32, 64), (48, 32), (32, 48), (32, 32)]
    places = [
        [region(size, whole, top, left, VIEW) for top, left, _ in ten_offsets(whole, VIEW)]
        for size, whole in zip(one.sizes.tolist(), full, strict=True)
    ]
    regions = torch.tensor(places)
    together = rule.boxes(one.maps, VIEW, regions, one.sizes)
    for row in range(len(full)):
        rows = slice(row, row + 1)
        alone = rule.boxes(one.maps[rows], VIEW, regions[rows], one.sizes[rows])
        assert torch.equal(together[rows], alone)


@pytest.mark.parametrize(
    "protocol", [*(p for p, _ in [*CUT, *SWEPT]), PUBLISHED["released"]], ids=title
)
def test_no_images(protocol: Protocol) -> None:
    for kind in ("whole", "ten"):
        if kind == "ten" and protocol.view == "whole":
            continue
        none = seen(kind, images=0)
        if protocol.is_swept:
            assert protocol.sweep(*none.swept).any_NT.shape == (0, protocol.steps)
        else:
            boxes = protocol.boxes(none.maps, VIEW, none.regions, none.sizes)
            assert boxes.shape == (0, CLASSES, protocol.boxes_per_map, 4)


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [(p, k) for p, k in [*CUT, *SWEPT, (PUBLISHED["released"], "ten")] if p.region != "contour"],
    ids=title,
)
def test_a_map_that_says_nothing_finds_nothing(protocol: Protocol, kind: str) -> None:
    """And leaves the other maps of the batch alone."""
    one = seen(kind)
    broken = one.maps.clone()
    broken[1] = 0
    broken[2, ..., 3, 3] = torch.nan
    broken[3, ..., 3, 3] = torch.inf
    if protocol.is_swept:
        found = protocol.sweep(broken.select(-3, 0), *one.swept[1:]).any_NT
        expected = protocol.sweep(*one.swept).any_NT
    else:
        found = protocol.boxes(broken, VIEW, one.regions, one.sizes)
        expected = protocol.boxes(one.maps, VIEW, one.regions, one.sizes)
    assert not found[1:].any()
    assert expected[1].any()
    assert torch.equal(found[0], expected[0])


def test_a_sweep_gives_what_is_asked_for() -> None:
    one = seen("whole")
    both = EXACT.sweep(*one.swept)
    for largest_too, every_too in ((True, False), (False, True), (False, False)):
        found = EXACT.sweep(*one.swept, largest=largest_too, every=every_too)
        steps = [EXACT.steps * largest_too, EXACT.steps * every_too]
        assert [part.shape[1] for part in found] == steps
        for part, whole in zip(found, both, strict=True):
            assert torch.equal(part, whole[:, : part.shape[1]])


@pytest.mark.parametrize(
    ("protocol", "call", "message"),
    [
        (EXACT, "boxes", r"'exact' tries every threshold, so .* chosen: protocol.at\(0.2\)"),
        (Protocol(name="mine", grid="original"), "heat", "'mine' has a grid for each image .* ori"),
        (PUBLISHED["released"], "heat", "'released' has a grid for each image"),
    ],
)
def test_what_cannot_be_answered(protocol: Protocol, call: str, message: str) -> None:
    one = seen("whole")
    with pytest.raises(ValueError, match=message):
        getattr(protocol, call)(one.maps, VIEW, one.regions, one.sizes)
