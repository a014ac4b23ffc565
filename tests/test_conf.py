"""conf/ is honest: options compose, targets exist, keys are parameters, stems are modules."""

import inspect
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hydra.utils import get_object
from omegaconf import OmegaConf
from support import compose_config

from gapcam.config_dir import CONFIG_DIR, find_config_dir

OPTIONS = sorted(
    path.relative_to(CONFIG_DIR).with_suffix("").as_posix()
    for path in CONFIG_DIR.rglob("*.yaml")
    if path.parent != CONFIG_DIR
    and path.parent.name not in ("base", "launcher")  # bases are no options, launchers Hydra's
)
GIVEN_BY_BUILD = {
    "arch": {"num_classes", "protocols", "views", "data_pixels", "cam", "optim"},
    "trainer": {"callbacks", "logger", "plugins", "default_root_dir", "enable_model_summary"},
}


def compose_option(option: str) -> dict[str, Any]:
    group, _, name = option.rpartition("/")
    config = compose_config(f"{group}={name}", name="study" if group == "study" else "config")
    if OmegaConf.is_missing(config.data, "root"):
        config.data.root = "somewhere"
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    return plain


def nodes(tree: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping with a `_target_`, by its path."""
    if isinstance(tree, dict):
        if "_target_" in tree:
            yield path, tree
        for key, value in tree.items():
            yield from nodes(value, f"{path}.{key}".removeprefix("."))


def parameters(target: Any) -> set[str]:
    """Parameters by name, through the classes that a `**kwargs` hands on to."""
    if target is timedelta:  # written in C, without a signature
        return {"days", "hours", "minutes", "seconds"}
    names: set[str] = set()
    for cls in inspect.getmro(target) if inspect.isclass(target) else (target,):
        method = (
            cls.__dict__.get("__init__", cls.__dict__.get("__new__"))
            if inspect.isclass(cls)
            else cls
        )
        if method is None:
            continue
        found = inspect.signature(method).parameters.values()
        names |= {p.name for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        if not any(p.kind == p.VAR_KEYWORD for p in found):
            break
    return names - {"self"}


@pytest.mark.parametrize("option", OPTIONS)
def test_option_composes_and_its_keys_are_parameters(option: str) -> None:
    group = option.rpartition("/")[0].replace("/", ".")
    checked = 0
    for path, node in nodes(compose_option(option)):
        target = get_object(node["_target_"])
        keys = {key for key in node if not key.startswith("_")}
        if node["_target_"].endswith("WandbLogger"):
            keys -= {"group", "entity", "tags", "notes"}  # handed on to wandb.init
        unknown = keys - parameters(target)
        assert not unknown, f"{path}: {node['_target_']} has no parameter {sorted(unknown)}"
        checked += path == group or path.startswith(f"{group}.")
    assert checked, f"{option} describes no object"


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.split("/")[0] in ("arch", "data")])
def test_stem_is_a_module(option: str) -> None:
    group, _, stem = option.rpartition("/")
    if "/" not in group:
        target = OmegaConf.select(compose_config(f"{group}={stem}"), f"{group}._target_")
        module = target.rpartition(".")[0]
        home = module.rpartition(".")[2]
        # Variants that differ in settings alone share a module.
        assert home == stem or f"{group}/{home}" in OPTIONS
        assert module == f"gapcam.{group}.{home}"


@pytest.mark.parametrize(
    "option", [o for o in OPTIONS if o.split("/")[0] in ("arch", "data", "study")]
)
def test_every_own_parameter_is_in_the_configuration(option: str) -> None:
    """A user sees every knob in `--cfg job`."""
    group = option.rpartition("/")[0]
    if "/" in group:
        return
    node = compose_option(option)[group]
    hidden = set(inspect.signature(get_object(node["_target_"])).parameters) - {"kwargs"}
    assert hidden - set(node) - GIVEN_BY_BUILD.get(group, set()) == set()


def test_users_bring_their_own_groups(tmp_path: Any) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text("_target_: gapcam.data.digits.Digits\nseed: 3\n")
    config = compose_config(f"hydra.searchpath=[file://{tmp_path}]", "data=mine")
    assert config.data.seed == 3
    assert config.name == "small_gap-mine"


def test_broken_installation_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("gapcam.config_dir._CANDIDATES", (tmp_path,))
    with pytest.raises(FileNotFoundError, match=r"no config.yaml in .* install gapcam again"):
        find_config_dir()
