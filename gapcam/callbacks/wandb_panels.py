"""Pictures, tables and charts on W&B."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from gapcam.arch.network import Network
from gapcam.callbacks.panels import Panels
from gapcam.callbacks.wandb_media import mask_levels, tables_and_charts, wandb_boxes, wandb_masks
from gapcam.viz.findings import Findings
from gapcam.viz.localizations import Localization
from gapcam.viz.overlay import overlay

_BEST = {
    **dict.fromkeys(("cls_top1", "cls_top5", "loc_top1", "loc_top5", "loc_gt_known"), "min"),
    **dict.fromkeys(("max_box_acc", "max_box_acc_v2"), "max"),
}
"""What the summary keeps of numbers of validation. W&B does not say which of two patterns wins, and
Lightning has given it `*`: names have to be whole."""

_DATA_DIR = "WANDB_DATA_DIR"


class WandbPanels(Panels[WandbLogger]):
    """Log heat maps with boxes and masks as W&B overlays, and what the test found.

    `val/cam` and `test/cam` are pictures; `test/images` a table of them; `test/threshold_curve`,
    `test/mistakes` and `test/confusion` charts. The run's summary has the best and the last of the
    numbers of validation, and those of the test under `test/<protocol>/<name>`, too.

    Args:
        images: see `Panels`.
        rows: see `Panels`.
    """

    logger_kind = WandbLogger

    @rank_zero_only
    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Network)
        _, *others = pl_module.val_evaluation.protocols
        for logger in self._loggers(trainer):
            for prefix in ("val/", *(f"val/{name}/" for name in others)):
                for name, best in _BEST.items():
                    logger.experiment.define_metric(
                        prefix + name, step_metric="trainer/global_step", summary=f"{best},last"
                    )

    def send_pictures(
        self,
        logger: WandbLogger,
        key: str,
        found: list[Localization],
        network: Network,
        step: int,
    ) -> None:
        levels = mask_levels(network.test_evaluation.for_pictures())
        logger.log_image(
            key=key,
            images=[overlay(one.picture, one.heat) for one in found],
            caption=[one.caption for one in found],
            boxes=[wandb_boxes(one, network.class_names) for one in found],
            masks=[wandb_masks(one.heat, levels) for one in found],
            step=step,
        )

    def send_findings(
        self, logger: WandbLogger, found: Findings, network: Network, step: int
    ) -> None:
        with _staging_in(Path(logger.save_dir or ".") / "wandb"):
            logger.log_metrics(tables_and_charts(found), step)
        numbers = {f"test/{name}": value for name, value in found.numbers.items()}
        logger.experiment.summary.update({**numbers, "protocols": found.titles})


@contextmanager
def _staging_in(folder: Path) -> Iterator[None]:
    """Let W&B keep the pictures of tables in a folder until they are sent, not in the home."""
    if _DATA_DIR in os.environ:
        yield
        return
    os.environ[_DATA_DIR] = str(folder.absolute())
    try:
        yield
    finally:
        del os.environ[_DATA_DIR]
