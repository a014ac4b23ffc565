"""Thresholds from validation images, for protocols that try all of them."""

import pytorch_lightning as pl

from gapcam.arch.network import Network
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset


def choose_thresholds(
    trainer: pl.Trainer,
    module: Network,
    data: DataModule,
    scored: LocalizationDataset,
    needs_boxes: bool,
) -> list[str]:
    """Look at the validation split, and let the test use the thresholds that are best for it.

    Args:
        trainer: runs the validation.
        module: the network; its weights as they will be tested.
        data: has the validation split.
        scored: the split that will be scored. If it is the validation split itself, the numbers
            are those of the best thresholds of the images scored.
        needs_boxes: look at the images even then, as there are no boxes before a threshold is
            chosen.

    Returns:
        What a reader of the numbers must know.
    """
    swept = ", ".join(module.test_evaluation.sweeps)
    if not swept or not scored.has_boxes:
        return []
    is_same = scored is data.val
    if data.val.has_boxes and (needs_boxes or not is_same):
        trainer.validate(module, dataloaders=data.val_dataloader(), verbose=False)
        module.test_evaluation.choose(module.val_evaluation.best)
    if data.val.has_boxes and not is_same:
        return [
            f"{swept}: thresholds chosen on {len(data.val):,} images of the {data.val.split} split"
        ]
    return [best_of_scored(swept, "no other images have true boxes to choose thresholds on")]


def best_of_scored(swept: str, why: str) -> str:
    """The note that numbers of the protocols `swept` are an oracle's, and why they are."""
    return (
        f"{swept}: thresholds are the best for the very images scored, which favours the numbers; "
        f"{why}"
    )
