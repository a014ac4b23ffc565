"""Thresholds from validation images, for protocols that try all of them."""

from math import isnan

import pytorch_lightning as pl

from gapcam.arch.network import Network
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.protocol import BEST_HERE

NO_OTHERS = "no other images have true boxes to choose thresholds on"


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
    is_same, is_known = scored is data.val, False
    if data.val.has_boxes and (needs_boxes or not is_same):
        trainer.validate(module, dataloaders=data.val_dataloader(), verbose=False)
        best = module.val_evaluation.best
        # Maybe not all of the images were looked at, and none of those has a true box.
        is_known = bool(best) and not any(
            isnan(one) for chosen in best.values() for one in chosen.values()
        )
        if is_known:
            here = f"the best of the {data.val.split} split"
            module.test_evaluation.choose(best, BEST_HERE if is_same else here)
    if is_known and not is_same:
        return [
            f"{swept}: thresholds chosen on {module.val_evaluation.seen:,} images of the "
            f"{data.val.split} split"
        ]
    return [best_of_scored(swept, NO_OTHERS)]


def best_of_scored(swept: str, why: str) -> str:
    """The note that numbers of the protocols `swept` are an oracle's, and why they are."""
    return (
        f"{swept}: thresholds are the best for the very images scored, which favours the numbers; "
        f"{why}"
    )
