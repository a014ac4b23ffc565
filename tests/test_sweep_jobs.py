import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from gapcam import sweep_jobs as module
from gapcam.config_dir import CONFIG_DIR
from gapcam.sweep_jobs import RememberSweep, remember_sweeps, sweep_jobs

PAGE = Path(__file__).resolve().parents[1] / "docs" / "sweeps.md"
COMMANDS = [
    line
    for block in PAGE.read_text().split("```")[1::2]
    for line in block.splitlines()
    if "-m gapcam.run " in line
]


@pytest.fixture(autouse=True)
def _no_sweep_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "_STARTED", [])
    yield
    GlobalHydra.instance().clear()


def start(*words: str) -> DictConfig:
    """Let Hydra begin a multirun, as far as its first callback."""
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        config = loader.load_configuration(
            "config", list(words), run_mode=RunMode.MULTIRUN, validate_sweep_overrides=False
        )
        RememberSweep().on_multirun_start(config, config_name="config")
        return config


def directory(job: DictConfig) -> str:
    HydraConfig.instance().set_config(job)
    return str(OmegaConf.select(job, "run_dir"))


def words_of(job: DictConfig) -> list[str]:
    return list(job.hydra.overrides.task)


def test_no_multirun_no_jobs() -> None:
    assert sweep_jobs(directory) == []


@pytest.mark.parametrize(
    ("words", "folders"),
    [
        ([], ["small_gap-digits/trim0/seed0"]),
        (
            ["arch.trim=0,2", "seed=range(0,2)"],
            [f"small_gap-digits/trim{trim}/seed{seed}" for trim in (0, 2) for seed in (0, 1)],
        ),
        (
            ["arch=vgg_gap,nin", "data.counts=[8,8,8]"],
            ["vgg_gap-digits/trim1/seed0", "nin-digits/trim0/seed0"],
        ),
        (
            ["optim.lr=0.1,0.2", "name=lr${optim.lr}"],
            ["lr0.1/trim0/seed0", "lr0.2/trim0/seed0"],
        ),
    ],
)
def test_jobs_in_the_order_of_the_sweep(words: list[str], folders: list[str]) -> None:
    start(*words, "runs=there")
    assert sweep_jobs(directory) == [f"there/{folder}" for folder in folders]


def test_a_sweep_that_a_configuration_file_describes() -> None:
    config = start("arch.trim=1", "runs=there")
    with open_dict(config):
        config.hydra.sweeper.params = {"seed": "1,2"}
    assert sweep_jobs(directory) == [f"there/small_gap-digits/trim1/seed{seed}" for seed in (1, 2)]


def test_the_same_jobs_as_hydra_makes() -> None:
    words = ["arch.trim=2,0", "seed=choice(3,1)", "gallery=0", "name=x${seed}"]
    loader = start(*words) and module._STARTED[0][1]
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(words)
    (batch,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    assert sweep_jobs(words_of) == batch


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_documentation(command: str) -> None:
    words = shlex.split(command.partition("-m gapcam.run ")[2])
    start(*(word for word in words if word != "-m"))
    folders = sweep_jobs(directory)
    assert len(set(folders)) == len(folders) > ("-m" in words)


def test_a_sweep_that_hydra_refuses_has_no_jobs() -> None:
    start("optim=paper,nowhere")
    assert sweep_jobs(directory) == []


def test_sweepers_that_choose_as_they_go_are_left_alone() -> None:
    config = start("seed=0,1")
    config.hydra.sweeper._target_ = "hydra_plugins.hydra_optuna_sweeper.OptunaSweeper"
    assert sweep_jobs(directory) == []


def test_hydra_is_asked_to_tell() -> None:
    before = ConfigStore.instance().load("hydra/config.yaml").node
    try:
        remember_sweeps()
        config = start("seed=0,1")
        target = config.hydra.callbacks.sweep._target_
        assert target == "gapcam.sweep_jobs.RememberSweep"
    finally:
        ConfigStore.instance().store(group="hydra", name="config", node=before, provider="hydra")
