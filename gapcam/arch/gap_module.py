"""What every GAP network shares: head, maps, training, evaluation."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from gapcam.arch.schedule import Schedule
from gapcam.batch import Batch
from gapcam.cam.activation import class_activation_maps
from gapcam.cam.localization import ranked_classes
from gapcam.errors import UserError
from gapcam.metrics import LocalizationError
from gapcam.metrics.localization import LocalizationRows
from gapcam.protocol import PaperProtocol

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


class GAPOutput(NamedTuple):
    """`logits` `(B, C)` and the `features` `(B, K, h, w)` whose average made them."""

    logits: Tensor
    features: Tensor


class GAPModule(pl.LightningModule):
    """Trunk, one added 3x3 convolution, global average pooling, linear classifier.

    Logged, all as error rates in 0..1 (see `gapcam.cam.localization`): `val/loc_top1`,
    `val/loc_top5`, `val/loc_gt_known`, `val/cls_top1`, `val/cls_top5`, the floors of the data
    `val/floor_*`, and the same under `test/`; and `train/loss`, the mean cross-entropy.

    Args:
        trunk: convolutional layers up to the paper's cut.
        last_layer: name of the trunk's last layer, for people.
        channels: units of the trunk's last layer.
        units: units of the added convolution (the paper's K).
        batch_norm: normalise the added convolution, as newer trunks do.
        dropout: probability, between pooling and classifier.
        num_classes: C.
        size: height and width of the images that the network sees.
        protocol: turns maps into boxes and errors.
        optimizer: makes the optimizer from the parameters.
        schedule: factor on the learning rate by fraction of training done.
    """

    recipe: dict[str, Any]
    """Plain description from which `gapcam.load` builds this module again; set by `build`."""

    test_errors: dict[str, float]
    test_rows: LocalizationRows
    """Errors and per-image rows of the last test, of all processes."""

    def __init__(
        self,
        *,
        trunk: nn.Module,
        last_layer: str,
        channels: int,
        units: int,
        batch_norm: bool,
        dropout: float,
        num_classes: int,
        size: tuple[int, int],
        protocol: PaperProtocol,
        optimizer: OptimizerFactory,
        schedule: Schedule,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.last_layer = last_layer
        convolution = nn.Conv2d(channels, units, 3, padding=1, bias=not batch_norm)
        norm = [nn.BatchNorm2d(units)] if batch_norm else []
        self.added = nn.Sequential(convolution, *norm, nn.ReLU(inplace=True))
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(units, num_classes)
        self.size = size
        self.optimizer = optimizer
        self.schedule = schedule
        # Lightning logs metrics of one stage under one prefix; each stage owns its states.
        self.val_metric = LocalizationError(protocol, size)
        self.test_metric = LocalizationError(protocol, size)
        self.recipe = {}
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        if convolution.bias is not None:
            nn.init.zeros_(convolution.bias)
        # Convolutions are faster with the units innermost, on CPUs and on GPUs with tensor cores.
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> GAPOutput:
        """Score normalised images `(B, 3, H, W)`."""
        features = self.added(self.trunk(images.contiguous(memory_format=torch.channels_last)))
        pooled = features.mean((-2, -1))
        return GAPOutput(self.classifier(self.dropout(pooled)), features)

    def maps(self, output: GAPOutput, classes: Tensor) -> Tensor:
        """Class activation maps `(B, M, h, w)` of the classes `(B, M)`."""
        return class_activation_maps(output.features, self.classifier.weight, classes)

    @torch.no_grad()
    def mapping_resolution(self) -> tuple[int, int]:
        """Height and width of the maps."""
        was_training = self.training
        features = self.eval()(torch.zeros(1, 3, *self.size, device=self.device)).features
        self.train(was_training)
        return features.shape[2], features.shape[3]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = F.cross_entropy(self(batch.images).logits, batch.labels)
        self.log(
            "train/loss",
            loss,
            on_step=True,
            on_epoch=True,
            prog_bar=True,
            batch_size=len(batch.labels),
        )
        return loss

    def on_train_epoch_end(self) -> None:
        loss = self.trainer.callback_metrics.get("train/loss_epoch")
        if loss is not None and not torch.isfinite(loss):
            raise UserError(
                f"The training loss became {loss.item()} in epoch {self.current_epoch}: the "
                "training diverged. Lower arch.optimizer.lr and start again under another name=, "
                "or delete the run directory."
            )

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, self.val_metric)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, self.test_metric)

    def on_validation_epoch_start(self) -> None:
        self.val_metric.reset()

    def on_test_epoch_start(self) -> None:
        self.test_metric.reset()

    def on_validation_epoch_end(self) -> None:
        self._log_errors("val", self.val_metric)

    def on_test_epoch_end(self) -> None:
        # Taken here, where the processes can still talk to each other.
        errors = self._log_errors("test", self.test_metric)
        self.test_errors = {name: round(float(error), 6) for name, error in errors.items()}
        self.test_rows = self.test_metric.rows()

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Localize a batch: its `index`, the ranked `classes`, their `scores`, `maps` and `boxes`.

        `boxes` `(B, M, 4)` are in pixels of the view, `scores` `(B, M)` softmax probabilities;
        the last of the M classes is the true one.
        """
        output = self(batch.images)
        classes = ranked_classes(output.logits, batch.labels)
        maps = self.maps(output, classes)
        return {
            "index": batch.index,
            "classes": classes,
            "scores": output.logits.softmax(1).gather(1, classes),
            "maps": maps,
            "boxes": self.test_metric.protocol.boxes(maps, self.size),
        }

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        optimizer = self.optimizer(self.parameters())
        total = self.trainer.estimated_stepping_batches
        scheduler = LambdaLR(optimizer, lambda step: self.schedule(step / total))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["gapcam"] = {**self.recipe, "processes": self.trainer.world_size}

    def _evaluate(self, batch: Batch, metric: LocalizationError) -> None:
        output = self(batch.images)
        classes = ranked_classes(output.logits, batch.labels)
        metric.update(
            maps=self.maps(output, classes),
            classes=classes,
            labels=batch.labels,
            boxes=batch.boxes,
            counts=batch.counts,
            sizes=batch.sizes,
            index=batch.index,
        )

    def _log_errors(self, stage: str, metric: LocalizationError) -> dict[str, Tensor]:
        errors = metric.compute()
        for name, value in errors.items():
            # `compute` has already combined the processes; sync_dist keeps Lightning from asking.
            self.log(f"{stage}/{name}", value, prog_bar=name == "loc_top1", sync_dist=True)
        return errors
