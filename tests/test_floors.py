"""Who may import whom: a module imports only from floors below it, and few see third parties."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "gapcam"

FLOORS = {
    "gapcam.errors": 0,
    "gapcam.atomic": 0,
    "gapcam.cam": 0,
    "gapcam.batch": 1,
    "gapcam.protocol": 1,
    "gapcam.metrics": 1,
    "gapcam.arch": 2,
    "gapcam.data": 2,
    "gapcam.viz": 3,
    "gapcam.callbacks": 3,
    "gapcam.study": 3,
    "gapcam.explaining": 3,
    "gapcam.threshold_choice": 3,
}
"""Everything else is a command or what commands share: floor 4."""

NEIGHBOURS = {
    ("gapcam.atomic", "gapcam.errors"),
    ("gapcam.metrics", "gapcam.protocol"),
    ("gapcam.callbacks", "gapcam.viz"),
    ("gapcam.study", "gapcam.viz"),
    ("gapcam.explaining", "gapcam.viz"),
    ("gapcam.study", "gapcam.threshold_choice"),
}
"""The few that may look sideways, in this direction only."""

ALLOWED = {
    0: {"torch"},
    1: {"torch", "torchmetrics", "matplotlib"},
    "gapcam.cam": {"torch", "numpy", "scipy", "numba", "llvmlite", "triton"},
    "gapcam.arch": {
        *("torch", "torchvision", "pytorch_lightning", "numpy"),
        *("google", "safetensors", "timm"),  # weight files and foreign networks
        "pytorch_grad_cam",
    },
    "gapcam.data": {"torch", "torchvision", "pytorch_lightning", "numpy", "PIL", "sklearn", "scipy"}
    | {"simplejpeg", "litdata", "pyarrow"},
    "gapcam.viz": {"torch", "numpy", "PIL", "matplotlib", "jinja2"},
    "gapcam.study": {"torch", "numpy", "scipy", "sklearn", "PIL", "matplotlib", "pytorch_lightning"}
    | {"torchmetrics"},
    "gapcam.explaining": {"torch", "numpy", "PIL", "matplotlib"},
    "gapcam.callbacks": {"torch", "numpy", "pytorch_lightning", "lightning_fabric", "wandb"},
}
ONLY_HERE = {
    "hydra": {"gapcam.build", "gapcam.suggest", "gapcam.sweep_outcome"}
    | {"gapcam.explain", "gapcam.shell_words"}
    | {"gapcam.run", "gapcam.evaluate", "gapcam.data_tools.command"}
    | {"gapcam.study_tools.command"}
    | {"gapcam.recipes.plan", "gapcam.sweep_jobs"},
    "pytorch_grad_cam": {"gapcam.arch.other_maps"},
    "wandb": {"gapcam.callbacks.wandb_media", "gapcam.dashboard"},
}
STANDARD = {"__future__"} | set(__import__("sys").stdlib_module_names)

MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Modules imported, and whether only inside `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", id(node) in for_types


def place(module: str) -> str:
    return module if module.endswith("__main__") else ".".join(module.split(".")[:2])


def floor(module: str) -> int:
    return FLOORS.get(place(module), 4)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    for imported, _ in imports(MODULES[module]):
        neighbours = (place(module), place(imported)) in NEIGHBOURS
        if imported.startswith("gapcam") and place(imported) != place(module) and not neighbours:
            assert floor(imported) < floor(module) or floor(module) == 4, (
                f"{module} (floor {floor(module)}) imports {imported} (floor {floor(imported)})"
            )


@pytest.mark.parametrize("module", MODULES)
def test_third_parties_stay_where_they_belong(module: str) -> None:
    allowed = ALLOWED.get(place(module), ALLOWED.get(floor(module)))
    for imported, is_for_types in imports(MODULES[module]):
        top = imported.split(".")[0]
        if top in STANDARD or top == "gapcam" or is_for_types:
            continue
        if top in ONLY_HERE:
            assert module in ONLY_HERE[top], f"{module} imports {imported}"
        assert allowed is None or top in allowed, f"{module} imports {imported}"


def test_every_place_on_a_floor_exists() -> None:
    assert set(FLOORS) <= {place(module) for module in MODULES}


def test_files_are_short() -> None:
    lengths = sorted(
        len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES.values()
    )
    assert lengths[len(lengths) // 2] <= 120
    assert lengths[-1] <= 400
