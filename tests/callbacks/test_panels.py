from types import SimpleNamespace
from typing import Any

import pytest
from pytorch_lightning.trainer.states import TrainerFn

from gapcam.callbacks.panels import Panels
from gapcam.callbacks.tensorboard_panels import TensorBoardPanels
from gapcam.callbacks.wandb_panels import WandbPanels
from gapcam.errors import UserError


@pytest.mark.parametrize("kind", [WandbPanels, TensorBoardPanels])
@pytest.mark.parametrize(
    ("setting", "value", "most"),
    [
        *(("images", -1, 32), ("images", 33, 32), ("images", 1.5, 32)),
        *(("rows", -1, 500), ("rows", 501, 500), ("rows", None, 500)),
    ],
)
def test_settings_out_of_range(kind: type[Panels], setting: str, value: Any, most: int) -> None:
    with pytest.raises(UserError, match=f"{setting} of {kind.__name__} must be 0 to {most}; got"):
        kind(**{setting: value})


@pytest.mark.parametrize("kind", [WandbPanels, TensorBoardPanels])
def test_idle_without_a_logger_of_its_kind(kind: type[Panels]) -> None:
    # Neither of them has data or a network to look at.
    trainer: Any = SimpleNamespace(
        loggers=[object()],
        sanity_checking=False,
        state=SimpleNamespace(fn=TrainerFn.FITTING),
        datamodule=SimpleNamespace(val=[]),
    )
    module: Any = None
    panels = kind()
    panels.on_validation_end(trainer, module)
    panels.on_test_end(trainer, module)
