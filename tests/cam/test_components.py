import math

import numpy as np
import pytest
import torch
from masks import NASTY, Mask, by_opencv, by_scipy, generated_maps, random_masks
from torch import Tensor

from gapcam.cam import components
from gapcam.cam.components import LargestComponent, largest_component, largest_component_above
from gapcam.cam.enlarge import INTERPOLATIONS, enlarge
from gapcam.cam.threshold import NORMALISATIONS, above, usable_maps

pytestmark = pytest.mark.usefixtures("one_thread")

ON_CPU = ("torch", "numba")
SHAPES = ((1, 1), (1, 7), (7, 1), (23, 30), (9, 63), (8, 64), (7, 65), (3, 129), (40, 128))


def assert_found(found: LargestComponent, masks: Mask, connectivity: int) -> None:
    boxes, areas = found.boxes_N4.tolist(), found.areas_N.tolist()
    for mask, box, area in zip(masks, boxes, areas, strict=True):
        assert (box, area) == by_scipy(mask, connectivity) == by_opencv(mask, connectivity)


def assert_equal(found: LargestComponent, expected: LargestComponent) -> None:
    assert found.boxes_N4.dtype == torch.float32
    assert found.areas_N.dtype == torch.int64
    assert torch.equal(found.boxes_N4, expected.boxes_N4)
    assert torch.equal(found.areas_N, expected.areas_N)


def step_by_step(
    maps: Tensor,
    size: tuple[int, int],
    threshold: float,
    normalise: str,
    interpolation: str,
    connectivity: int,
) -> LargestComponent:
    masks = above(enlarge(usable_maps(maps), size, interpolation), threshold, normalise)
    return largest_component(masks, connectivity, "numba")


@pytest.mark.parametrize("engine", ON_CPU)
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("name", NASTY)
def test_nasty_masks(name: str, connectivity: int, engine: str) -> None:
    masks = NASTY[name][None]
    assert_found(
        largest_component(torch.from_numpy(masks), connectivity, engine), masks, connectivity
    )


@pytest.mark.parametrize("engine", ON_CPU)
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("shape", SHAPES)
def test_random_masks(shape: tuple[int, int], connectivity: int, engine: str) -> None:
    masks = random_masks(40, shape, seed=1)
    found = largest_component(torch.from_numpy(masks), connectivity, engine)
    assert_found(found, masks, connectivity)


@pytest.mark.slow
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize(("shape", "count"), [((31, 67), 5_000), ((224, 224), 200)])
def test_thousands_of_masks(shape: tuple[int, int], count: int, connectivity: int) -> None:
    masks = random_masks(count, shape, seed=2)
    found = largest_component(torch.from_numpy(masks), connectivity, "numba")
    assert_found(found, masks, connectivity)
    assert_equal(largest_component(torch.from_numpy(masks), connectivity, "torch"), found)


@pytest.mark.parametrize("engine", ON_CPU)
def test_tie_goes_to_the_first_in_raster_order(engine: str) -> None:
    mask = torch.tensor([[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 1, 0]]).bool()
    assert largest_component(mask[None], engine=engine).boxes_N4.tolist() == [[2, 0, 3, 1]]


@pytest.mark.parametrize("engine", ON_CPU)
@pytest.mark.parametrize("shape", [(0, 4, 4), (2, 0, 3), (2, 3, 0), (0, 0, 0)])
def test_nothing_to_look_at(shape: tuple[int, int, int], engine: str) -> None:
    empty = LargestComponent(torch.zeros(shape[0], 4), torch.zeros(shape[0]).long())
    assert_equal(largest_component(torch.zeros(shape).bool(), engine=engine), empty)
    assert_equal(largest_component_above(torch.zeros(shape), (5, 5), 0.2, engine=engine), empty)
    some = torch.ones(shape[0], 2, 2)
    assert_equal(largest_component_above(some, (0, 5), 0.2, engine=engine), empty)


@pytest.mark.parametrize("engine", ON_CPU)
def test_masks_that_do_not_lie_in_order(engine: str) -> None:
    masks = torch.from_numpy(random_masks(12, (30, 20), seed=3)).transpose(1, 2)[::2]
    assert_equal(largest_component(masks, 8, engine), largest_component(masks.contiguous()))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ON_CPU)
def test_more_pixels_than_single_precision_counts(engine: str) -> None:
    """Labels that were floats would collide beyond 2**24 pixels a batch."""
    masks = torch.from_numpy(random_masks(500, (224, 224), seed=4))
    assert masks.numel() > 2**24
    last = largest_component(masks[-50:], 8, engine)
    found = largest_component(masks, 8, engine)
    assert_equal(LargestComponent(found.boxes_N4[-50:], found.areas_N[-50:]), last)
    assert_found(last, masks[-50:].numpy(), 8)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(4096, 4096), (3, 70_000), (70_000, 3)])
def test_large_grids(shape: tuple[int, int]) -> None:
    masks = np.random.default_rng(5).random((1, *shape)) < 0.45
    for connectivity in (4, 8):
        found = largest_component(torch.from_numpy(masks), connectivity, "numba")
        assert_found(found, masks, connectivity)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("normalise", NORMALISATIONS)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_maps_in_one_go_equal_step_by_step(
    interpolation: str, normalise: str, connectivity: int
) -> None:
    for cells, noise, threshold in [((7, 7), 0.05, 0.2), ((5, 9), 0.3, 0.0), ((14, 14), 1, 0.73)]:
        for maps in generated_maps(20, cells, noise), generated_maps(9, cells, noise).double():
            for size in [(56, 64), (33, 70), cells, (3, 4)]:
                how = (size, threshold, normalise, interpolation, connectivity)
                expected = step_by_step(maps, *how)
                for engine in ON_CPU:
                    assert_equal(largest_component_above(maps, *how, engine), expected)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.05, 0.25, 1])
@pytest.mark.parametrize("cells", [7, 13, 14, 28])
def test_maps_of_every_kind(cells: int, noise: float) -> None:
    maps = generated_maps(60, (cells, cells), noise, seed=cells)
    for threshold in (0.1, 0.2, 0.5):
        how = ((224, 224), threshold, "max", "bilinear", 8)
        expected = step_by_step(maps, *how)
        assert_equal(largest_component_above(maps, *how, "numba"), expected)
        some = LargestComponent(*(part[:50] for part in expected))
        assert_equal(largest_component_above(maps[:50], *how, "torch"), some)


nan, inf, huge = math.nan, math.inf, torch.finfo(torch.float32).max


@pytest.mark.parametrize("engine", ON_CPU)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("normalise", NORMALISATIONS)
@pytest.mark.parametrize(
    "values",
    [
        [[0.0, 0.0], [0.0, 0.0]],
        [[0.1, 0.1], [0.1, 0.1]],  # enlarging makes values that differ in their last bit
        [[-3.0, -3.0], [-3.0, -3.0]],
        [[nan, 1.0], [1.0, 0.0]],
        [[0.0, inf], [1.0, 0.0]],
        [[0.0, -inf], [1.0, 0.0]],
        [[huge, -huge], [1.0, 0.0]],  # could become infinite
        [[5.0]],  # a single cell
    ],
)
def test_maps_without_information_have_no_box(
    values: list[list[float]], normalise: str, interpolation: str, engine: str
) -> None:
    maps = torch.tensor([values, values])
    for size in [(6, 5), (2, 2), (1, 1)]:
        found = largest_component_above(maps, size, 0.2, normalise, interpolation, engine=engine)
        assert found.boxes_N4.tolist() == [[0, 0, 0, 0]] * 2
        assert found.areas_N.tolist() == [0, 0]


@pytest.mark.parametrize("engine", ON_CPU)
@pytest.mark.parametrize(
    ("values", "normalise", "box"),
    [
        ([[-1.0, -2.0], [-3.0, -4.0]], "max", [0, 0, 0, 0]),  # nothing positive
        ([[-1.0, -2.0], [-3.0, -4.0]], "minmax", [0, 0, 2, 2]),
        ([[10.0, 2.0], [0.0, 0.0]], "max", [0, 0, 1, 1]),  # exactly 20 % is not above 20 %
        ([[10.0, 2.1], [0.0, 0.0]], "max", [0, 0, 2, 1]),
        ([[10.0, 2.1], [-9.0, 0.0]], "minmax", [0, 0, 2, 2]),
    ],
)
def test_small_maps(values: list[list[float]], normalise: str, box: list[int], engine: str) -> None:
    found = largest_component_above(torch.tensor([values]), (2, 2), 0.2, normalise, engine=engine)
    assert found.boxes_N4.tolist() == [box]


@pytest.mark.parametrize("engine", ON_CPU)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype: torch.dtype, engine: str) -> None:
    maps = generated_maps(30, (7, 7), 0.1).to(dtype)
    found = largest_component_above(maps, (40, 40), 0.2, engine=engine)
    assert_equal(found, largest_component_above(maps.float(), (40, 40), 0.2, engine=engine))


@pytest.mark.parametrize("engine", ON_CPU)
def test_maps_of_a_network_in_training(engine: str) -> None:
    maps = generated_maps(4, (7, 7), 0.1).requires_grad_()
    found = largest_component_above(maps, (20, 20), 0.2, engine=engine)
    assert not found.boxes_N4.requires_grad
    assert_equal(found, largest_component_above(maps.detach(), (20, 20), 0.2, engine=engine))


def test_threads_share_a_batch() -> None:
    maps = generated_maps(13, (7, 7), 0.2)
    expected = largest_component_above(maps, (60, 60), 0.2)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            assert_equal(largest_component_above(maps, (60, 60), 0.2), expected)
    finally:
        torch.set_num_threads(before)


def test_fastest_engine_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(device: str) -> str:
        return components._engine(None, torch.device(device)).__name__.split("_")[-1]

    assert chosen("cpu") == "numba"
    assert chosen("mps") == "torch"
    monkeypatch.setattr(components, "_imported", lambda name: ImportError(f"no {name}"))
    assert chosen("cpu") == "torch"
    assert chosen("cuda") == "torch"
    with pytest.raises(ValueError, match="engine 'numba' cannot be imported: no numba"):
        largest_component(torch.zeros(1, 2, 2).bool(), engine="numba")


@pytest.mark.parametrize(
    ("masks", "settings", "message"),
    [
        (torch.zeros(4, 4).bool(), {}, r"needs masks \(N, H, W\) of dtype bool; got \(4, 4\)"),
        (torch.zeros(1, 4, 4), {}, r"dtype bool; got .* torch.float32"),
        (torch.zeros(1, 4, 4).bool(), {"connectivity": 6}, "connectivity must be 4 or 8; got 6"),
        (
            torch.zeros(1, 4, 4).bool(),
            {"engine": "cuda"},
            "one of torch, numba, triton; got 'cuda'",
        ),
        (torch.zeros(1, 4, 4).bool(), {"engine": "triton"}, "works on cuda tensors; got .* on cpu"),
        (
            torch.zeros(1, 4, 4, device="meta").bool(),
            {"engine": "numba"},
            "works on cpu tensors; got one on meta",
        ),
        (
            torch.zeros(1, 1, 1, device="meta").bool().expand(1, 2**16, 2**15),
            {},
            r"of at most 2147483647 pixels; got \(65536, 32768\)",
        ),
    ],
)
def test_wrong_masks_are_named(masks: Tensor, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        largest_component(masks, **settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maps_Nhw": torch.zeros(4, 4)}, r"maps must be floats \(N, h, w\); got \(4, 4\)"),
        ({"maps_Nhw": torch.zeros(1, 4, 4).long()}, r"must be floats .* torch.int64"),
        ({"size": (4, -1)}, r"size must be height and width.*; got \(4, -1\)"),
        ({"size": (4.5, 4)}, r"in whole pixels.*; got \(4.5, 4\)"),
        ({"size": (4, 4, 4)}, r"size must be height and width.*; got \(4, 4, 4\)"),
        ({"threshold": 1.0}, r"threshold must lie in \[0, 1\); got 1.0"),
        ({"threshold": -0.1}, r"threshold must lie in \[0, 1\); got -0.1"),
        ({"threshold": nan}, r"threshold must lie in \[0, 1\); got nan"),
        ({"normalise": "mean"}, "normalise must be one of max, minmax; got 'mean'"),
        ({"interpolation": "nearest"}, "one of bilinear, cubic, matlab; got 'nearest'"),
        ({"connectivity": 5}, "connectivity must be 4 or 8; got 5"),
        ({"engine": "cv2"}, "engine must be None or one of torch, numba, triton; got 'cv2'"),
    ],
)
def test_wrong_maps_are_named(changes: dict[str, object], message: str) -> None:
    arguments = {"maps_Nhw": torch.rand(1, 4, 4), "size": (8, 8), "threshold": 0.2}
    with pytest.raises(ValueError, match=message):
        largest_component_above(**(arguments | changes))
