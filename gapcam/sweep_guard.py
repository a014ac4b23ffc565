"""Why a Hydra multirun trains on one device."""

from collections.abc import Mapping
from typing import Any

from gapcam.errors import UserError


def processes_asked_for(trainer: Mapping[str, Any]) -> int:
    """How many processes a trainer's configuration surely starts; `auto` counts as one."""
    devices, nodes = trainer["devices"], int(trainer["num_nodes"])
    count = len(devices) if isinstance(devices, list) else devices
    return max(1, count if isinstance(count, int) else 1) * nodes


def refuse_processes(count: int) -> None:
    """Refuse several processes in a multirun: each of them would start the whole sweep again.

    Raises:
        UserError: if `count` is above 1.
    """
    if count > 1:
        raise UserError(
            f"A Hydra multirun cannot train a job with {count} processes: each process would start "
            "the whole sweep again. Add trainer.devices=1, or start each job by its own command "
            "without -m."
        )
