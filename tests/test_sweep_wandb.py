"""The sweep file for W&B makes commands that gapcam understands."""

from itertools import product
from pathlib import Path

import pytest
import yaml
from support import compose_config
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from gapcam.run import OBJECTIVES, resolve

FILE = Path(__file__).resolve().parents[1] / "experiments" / "wandb_sweep.yml"
SWEEP = yaml.safe_load(FILE.read_text(encoding="utf-8"))
CHOICES = {name: parameter["values"] for name, parameter in SWEEP["parameters"].items()}
JOBS = [dict(zip(CHOICES, job, strict=True)) for job in product(*CHOICES.values())]


def command(job: dict[str, object]) -> list[str]:
    """What W&B's agent would start: its own code, as far as the process."""
    words = create_sweep_command_args({"args": {key: {"value": v} for key, v in job.items()}})
    words |= {"env": ["/usr/bin/env"]}
    return [
        word
        for part in create_sweep_command(list(SWEEP["command"]))
        for word in (words[part[2:-1]] if part.startswith("${") else [part])
    ]


def test_the_objective_is_what_a_run_logs() -> None:
    assert SWEEP["metric"] == {"name": OBJECTIVES[0], "goal": "minimize"}
    assert SWEEP["method"] == "grid"


@pytest.mark.parametrize("job", JOBS[:: max(1, len(JOBS) - 1)])
def test_a_job_of_the_agent_composes(job: dict[str, object]) -> None:
    words = command(job)
    assert words[:4] == ["/usr/bin/env", "python", "-m", "gapcam.run"]
    config = resolve(compose_config(*words[4:]))
    assert "wandb" in config["logger"]
    assert config["arch"]["trim"] == job["arch.trim"]
    assert config["seed"] == job["seed"]


def test_no_two_jobs_share_a_directory() -> None:
    """Other parameters than those in the path of a run would need a name of their own."""
    folders = {compose_config(*command(job)[4:]).run_dir for job in JOBS}
    assert len(folders) == len(JOBS)
