"""The Triton engine in Triton's interpreter, compiled without a GPU, and on a GPU if there is one.

The interpreter is chosen when Triton is imported, so a process of its own runs this file.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import torch
from masks import NASTY, generated_maps, random_masks
from support import subprocess_environment
from torch import Tensor

from gapcam.cam.components import LargestComponent, largest_component, largest_component_above
from gapcam.cam.enlarge import INTERPOLATIONS

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def assert_equal(found: LargestComponent, expected: LargestComponent) -> None:
    assert found.boxes_N4.dtype == torch.float32
    assert found.areas_N.dtype == torch.int64
    assert found.boxes_N4.tolist() == expected.boxes_N4.tolist()
    assert found.areas_N.tolist() == expected.areas_N.tolist()


def check_masks(masks: Tensor, device: str) -> None:
    for connectivity in (4, 8):
        found = largest_component(masks.to(device), connectivity, "triton")
        assert_equal(found, largest_component(masks, connectivity, "numba"))


def check_maps(maps: Tensor, size: tuple[int, int], device: str) -> None:
    for normalise, interpolation in zip(("max", "minmax", "max"), INTERPOLATIONS, strict=True):
        how = (size, 0.3, normalise, interpolation, 8)
        found = largest_component_above(maps.to(device), *how, "triton")
        assert_equal(found, largest_component_above(maps, *how, "numba"))


def check_small_ones(device: str) -> None:
    """Across the borders of tiles of 4 x 128 pixels, too."""
    for name in ("empty", "one pixel", "one row", "ring"):
        check_masks(torch.from_numpy(NASTY[name])[None], device)
    check_masks(torch.from_numpy(random_masks(4, (6, 131), seed=1)), device)
    nothing = torch.tensor([[0.1, 0.1, 0.1], [float("nan"), 1, 0], [-1, -2, -3]])[:, None]
    maps = torch.cat([nothing, generated_maps(1, (1, 3), 0.2)])
    check_maps(maps, (2, 130), device)
    check_maps(maps.double(), (2, 3), device)


def check_many(device: str) -> None:
    for mask in NASTY.values():
        check_masks(torch.from_numpy(mask)[None], device)
    for shape in ((17, 37), (5, 300)):
        check_masks(torch.from_numpy(random_masks(2, shape, seed=2)), device)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gapcam.cam.components_triton._PIXELS_AT_ONCE", 3 * 9 * 20)
        check_masks(torch.from_numpy(random_masks(8, (9, 20), seed=3)), device)
        check_maps(generated_maps(4, (3, 4), 0.2), (9, 20), device)
    check_maps(generated_maps(1, (7, 7), 0.05), (20, 140), device)
    check_maps(generated_maps(2, (14, 14), 0.3).double(), (20, 30), device)


CHECKS: dict[str, Callable[[str], None]] = {"small": check_small_ones, "many": check_many}


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS)
def test_interpreted(check: str) -> None:
    pytest.importorskip("triton", reason="Triton is not installed")
    done = subprocess.run(
        [sys.executable, __file__, check],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
        env=subprocess_environment()
        | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("floats", ["fp32", "fp64"])
@pytest.mark.parametrize("width", ["i32", 1])  # Triton makes a constant of 1
def test_compiles_for_a_gpu_that_is_not_there(width: str | int, floats: str) -> None:
    triton = pytest.importorskip("triton", reason="Triton is not installed")
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from gapcam.cam import runs_triton

    types = {
        **dict.fromkeys(("rows", "columns", "H"), "i32"),
        **dict.fromkeys(("masks", "beginnings"), "*u8"),
        **dict.fromkeys(("parents", "areas"), "*i32"),
        **dict.fromkeys(("cells_down", "cells_across", "ranks"), "*i64"),
        **dict.fromkeys(("maps", "weights_down", "weights_across", "levels"), f"*{floats}"),
    }
    constants = {"TAPS_DOWN": 4, "TAPS_ACROSS": 2, "CONNECTIVITY": 8}
    if isinstance(width, str):
        types["W"] = width
    else:
        constants["W"] = width
    kernels = (
        "extremes_of_maps",
        "runs_of_maps",
        "runs_of_masks",
        "unite",
        "add_areas",
        "fit_boxes",
    )
    for name in kernels:
        kernel = getattr(runs_triton, name)
        types["lows"] = types["highs"] = "*i32" if name == "fit_boxes" else f"*{floats}"
        source = ASTSource(
            kernel,
            {argument: types.get(argument, "constexpr") for argument in kernel.arg_names},
            {(place,): constants[a] for place, a in enumerate(kernel.arg_names) if a in constants},
        )
        target = GPUTarget("cuda", 90, 32)
        made = triton.compile(source, target, {"num_warps": 4, "enable_fp_fusion": False})
        assert "fma.rn" not in made.asm["ptx"], "sums would differ from other engines"


@pytest.fixture
def no_waiting() -> Iterator[Callable[[], None]]:
    """From the call on, whatever makes the host wait for the GPU raises an error."""
    yield lambda: torch.cuda.set_sync_debug_mode("error")
    torch.cuda.set_sync_debug_mode("default")


@on_a_gpu
def test_on_a_gpu() -> None:
    check_small_ones("cuda")
    check_many("cuda")


@on_a_gpu
def test_no_races_on_a_gpu() -> None:
    masks = torch.from_numpy(random_masks(10_000, (40, 150), seed=3))
    adversarial = torch.from_numpy(NASTY["hilbert"])[None].expand(500, -1, -1)
    for batch in (masks, adversarial):
        for connectivity in (4, 8):
            expected = largest_component(batch, connectivity, "numba")
            for _ in range(5):
                found = largest_component(batch.cuda(), connectivity, "triton")
                assert_equal(found, expected)


@on_a_gpu
def test_torch_on_a_gpu_gives_equal_boxes() -> None:
    maps = generated_maps(200, (14, 14), 0.2)
    for interpolation in INTERPOLATIONS:
        how = ((224, 224), 0.2, "max", interpolation, 8)
        found = largest_component_above(maps.cuda(), *how, "torch")
        assert_equal(found, largest_component_above(maps, *how, "numba"))


@on_a_gpu
@pytest.mark.parametrize("engine", ["triton", "torch"])
def test_the_host_does_not_wait(engine: str, no_waiting: Callable[[], None]) -> None:
    maps = generated_maps(64, (14, 14), 0.2).cuda()
    masks = maps > 0
    largest_component_above(maps, (224, 224), 0.2, engine=engine)  # compiles, copies the taps
    largest_component(masks, engine=engine)
    no_waiting()
    largest_component_above(maps, (224, 224), 0.2, engine=engine)
    largest_component(masks, engine=engine)


@on_a_gpu
def test_capture_in_a_graph() -> None:
    first, second = generated_maps(128, (14, 14), 0.2).split(64)
    maps = first.cuda()
    largest_component_above(maps, (224, 224), 0.2, engine="triton")  # compiles, copies the taps
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = largest_component_above(maps, (224, 224), 0.2, engine="triton")
    for batch in (first, second, first):
        maps.copy_(batch)
        graph.replay()
        torch.cuda.synchronize()
        assert_equal(found, largest_component_above(batch, (224, 224), 0.2, engine="numba"))


if __name__ == "__main__":
    CHECKS[sys.argv[1]]("cpu")
