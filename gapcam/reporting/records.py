"""Run directories as a report sees them: finished, unfinished, failed or not begun."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunRecord:
    """A run directory.

    `state` is "finished", "unfinished" or "failed"; `config` what `config.yaml` holds; `facts` what
    `metrics.json` holds, empty unless finished; `failure` the message of a failed run.
    """

    path: Path
    state: str
    config: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    failure: str = ""

    @property
    def versions(self) -> str:
        """With what a finished run was made, in words."""
        return ", ".join(f"{name} {version}" for name, version in self.facts["versions"].items())
