"""Launchers compose, take their settings from one place, and run jobs elsewhere."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from support import FAST_RUN, type_in

from gapcam.config_dir import CONFIG_DIR
from gapcam.sweep_guard import EXTRAS

PLUGINS = {
    "slurm": ("hydra_submitit_launcher", "submitit_slurm"),
    "local": ("hydra_submitit_launcher", "submitit_local"),
    "processes": ("hydra_joblib_launcher", "joblib"),
    "ray_cluster": ("hydra_ray_launcher", "ray"),
}


def launcher(name: str, *words: str) -> dict[str, Any]:
    pytest.importorskip(f"hydra_plugins.{PLUGINS[name][0]}")
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", [f"hydra/launcher={name}", *words], return_hydra_config=True)
        node = OmegaConf.to_container(config.hydra.launcher, resolve=False)
        assert isinstance(node, dict)
        resolved = {
            key: OmegaConf.select(config, f"hydra.launcher.{key}")
            for key, value in node.items()
            if not str(value).startswith("${hydra.")  # known when the sweep runs
        }
        return node | resolved


def test_every_launcher_of_ours_is_tested_and_has_an_extra() -> None:
    ours = {path.stem for path in (CONFIG_DIR / "hydra" / "launcher").glob("*.yaml")}
    assert ours == set(PLUGINS)
    assert ours | {plugin for _, plugin in PLUGINS.values()} <= set(EXTRAS)


@pytest.mark.parametrize("name", PLUGINS)
def test_a_launcher_has_the_plugin_s_settings(name: str) -> None:
    package, option = PLUGINS[name]
    node = launcher(name)
    importlib.import_module(f"hydra_plugins.{package}")
    schema = ConfigStore.instance().load(f"hydra/launcher/{option}.yaml").node
    assert set(node) == set(schema)
    assert node["_target_"] == schema._target_
    assert importlib.util.find_spec(node["_target_"].rpartition(".")[0]) is not None


@pytest.mark.parametrize(
    ("words", "tasks", "nodes"),
    [
        ([], 1, 1),
        (["trainer.devices=4"], 4, 1),
        (["trainer.devices=[0,1]"], 2, 1),
        (["trainer=ddp_nodes", "trainer.devices=8", "trainer.num_nodes=3"], 8, 3),
    ],
)
def test_slurm_starts_a_process_a_device(words: list[str], tasks: int, nodes: int) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        words = ["hydra/launcher=slurm", *words]
        node = compose("config", words, return_hydra_config=True).hydra.launcher
        assert (node.tasks_per_node, node.nodes) == (tasks, nodes)
        assert node.gpus_per_node == tasks


@pytest.mark.slow
def test_jobs_in_processes_of_their_own(tmp_path: Path) -> None:
    """Two that train and one that cannot: the table has all of them."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    sweep = type_in(
        *("-m", "hydra/launcher=processes", *FAST_RUN),
        *(f"runs={tmp_path}", "arch.trim=1,7,2", "trainer.max_epochs=1"),
    )
    assert sweep.returncode == 1
    table = sweep.stdout[sweep.stdout.index("3 jobs, errors in %") :]
    rows = [line for line in table.splitlines() if line.startswith("│ small_gap")]
    assert ["conv2_2" in rows[0], "failed" in rows[1], "conv1_1" in rows[2]] == [True] * 3
    failed = tmp_path / "small_gap-digits" / "trim7" / "seed0" / "FAILED"
    assert f"all of it is in {failed}" in table
    assert "arch.trim must be one of" in failed.read_text()
    assert (tmp_path / "small_gap-digits" / "trim2" / "seed0" / "metrics.json").is_file()


SBATCH = """
import os, re, subprocess, sys
script = open(sys.argv[-1]).read()
tasks = re.search(r"--ntasks-per-node=(\\d+)", script)[1]
number = 1000 + os.getpid() % 1000
for job in range(int(re.search(r"--array=0-(\\d+)", script)[1]) + 1):
    environment = dict(
        SLURM_JOB_ID=str(number + job), SLURM_ARRAY_JOB_ID=str(number),
        SLURM_ARRAY_TASK_ID=str(job), SLURM_JOB_NAME="run", SLURM_NODELIST="127.0.0.1",
        SLURM_NNODES="1", SLURM_NODEID="0", SLURM_NTASKS=tasks, SLURM_NTASKS_PER_NODE=tasks,
    )
    subprocess.Popen(  # who waits for what this prints shall not wait for the job
        ["bash", sys.argv[-1]], env=os.environ | environment, stdout=-3, stderr=-3
    )
print("Submitted batch job", number)
"""
SRUN = """
import os, subprocess, sys
command = sys.argv[sys.argv.index(sys.executable):]
log = open(f"{sys.argv[0]}-{os.environ['SLURM_JOB_ID']}.log", "w")
processes = []
for task in range(int(os.environ["SLURM_NTASKS"])):
    environment = dict(SLURM_PROCID=str(task), SLURM_LOCALID=str(task))
    processes.append(
        subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
    )
sys.exit(max(process.wait() for process in processes))
"""
SACCT = "print('JobID|State|NodeList')"


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of SLURM that submitit uses, for one computer without a queue."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": SACCT}.items():
        (folder / name).write_text(f"#!{sys.executable}\n{text}")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_slurm_starts_all_processes_of_a_job_and_lightning_none(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    sweep = type_in(
        *("-m", "hydra/launcher=slurm", "hydra.launcher.gpus_per_node=0", *FAST_RUN),
        *("trainer.devices=2", "trainer.strategy=ddp", "trainer.max_epochs=1"),
        *(f"runs={tmp_path}", "arch.trim=2,7"),
    )
    logs = "".join(path.read_text() for path in (tmp_path / "slurm").glob("*.log"))
    assert sweep.returncode == 1, sweep.stderr + logs
    table = sweep.stdout[sweep.stdout.index("2 jobs, errors in %") :]
    rows = [line for line in table.splitlines() if line.startswith("│ small_gap")]
    assert ["conv1_1" in rows[0], "failed" in rows[1]] == [True] * 2
    folder = tmp_path / "small_gap-digits" / "trim2" / "seed0"
    assert json.loads((folder / "metrics.json").read_text())["device"].startswith("2 x cpu")
    assert len(list((folder / "csv").iterdir())) == 1  # one run, not a run for each process
