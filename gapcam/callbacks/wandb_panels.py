"""The same few validation images after every epoch, with heat map and boxes, on W&B."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from gapcam.arch.network import Network
from gapcam.data.data_module import DataModule
from gapcam.errors import UserError
from gapcam.viz.localizations import Localization, localize
from gapcam.viz.overlay import overlay

MOST_IMAGES = 32


class WandbPanels(pl.Callback):
    """Log heat maps with predicted and true boxes as W&B box overlays; idle without W&B.

    The images are spread evenly over the validation split and never change, so that panels can be
    compared over epochs and between runs.

    Args:
        images: how many, 0 to 32.

    Raises:
        UserError: if `images` is out of range.
    """

    def __init__(self, images: int = MOST_IMAGES) -> None:
        if not 0 <= images <= MOST_IMAGES:
            raise UserError(f"callbacks.panels.images must be 0 to {MOST_IMAGES}; got {images}")
        self.images = images

    @rank_zero_only
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        loggers = [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
        if not loggers or trainer.sanity_checking or self.images == 0:
            return
        data: DataModule = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(pl_module, Network)
        chosen = np.linspace(0, len(data.val) - 1, min(self.images, len(data.val))).astype(int)
        found = list(localize(pl_module, data, data.val, chosen.tolist()))
        for logger in loggers:
            logger.log_image(
                key="val/cam",
                images=[overlay(one.picture, one.heat) for one in found],
                caption=[one.caption for one in found],
                boxes=[wandb_boxes(one, data.class_names) for one in found],
                step=trainer.global_step,
            )


def wandb_boxes(found: Localization, class_names: list[str]) -> dict[str, Any]:
    """Predicted and true boxes in W&B's form, in pixels."""
    names = dict(enumerate(class_names))
    score = {"score": found.score, "iou": found.iou}
    return {
        "prediction": {
            "box_data": [
                _box(box, found.guess, found.caption) | {"scores": score} for box in found.boxes
            ],
            "class_labels": names,
        },
        "ground_truth": {
            "box_data": [_box(box, found.label, found.true_name) for box in found.true_boxes],
            "class_labels": names,
        },
    }


def _box(corners: NDArray[np.floating], label: int, caption: str) -> dict[str, Any]:
    keys = ("minX", "minY", "maxX", "maxY")
    return {
        "position": {key: float(value) for key, value in zip(keys, corners, strict=True)},
        "domain": "pixel",
        "class_id": label,
        "box_caption": caption,
    }
