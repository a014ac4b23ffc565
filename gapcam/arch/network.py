"""What every network shares: pixels, training, evaluation, optimizer."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from gapcam.arch.evaluation import Evaluation
from gapcam.arch.kinds import OTHERS, Kind, read_kind
from gapcam.arch.look import Look, look
from gapcam.arch.optim import Optim
from gapcam.arch.other_maps import other_maps
from gapcam.arch.pixels import FORMATS, IMAGENET, PixelFormat, Pixels
from gapcam.arch.profile import feature_shape
from gapcam.arch.stopwatch import Stopwatch
from gapcam.arch.trunk import split
from gapcam.arch.weights import Source
from gapcam.batch import Batch
from gapcam.cam.saliency import saliency_maps
from gapcam.cam.views import Size
from gapcam.errors import UserError
from gapcam.protocol import Protocol

CUT_AWAY = "cut away by arch.trim"
"""Why a network lacks a layer of its whole trunk."""


class Output(NamedTuple):
    """`logits` `(B, C)` and the last `features` `(B, K, h, w)` before they are pooled or flat."""

    logits: Tensor
    features: Tensor


class Network(pl.LightningModule):
    """A network for classification that is asked where it looks.

    Logged under the main protocol, as error rates in 0..1 (see `gapcam.cam.localization`):
    `val/loc_top1`, `val/loc_top5`, `val/loc_gt_known`, `val/cls_top1`, `val/cls_top5`, the floors
    of the data `val/floor_*`; under protocols that try all thresholds also accuracies
    `val/max_box_acc*` (see `gapcam.metrics.MaxBoxAcc`); under further protocols the same as
    `val/<protocol>/...`; all under `test/`, too; and `train/loss`, the mean cross-entropy.

    Subclasses provide `classify`, `after_trunk`, `head`, `trunk`, `last_layer` and `class_layers`.

    Args:
        num_classes: C.
        size: height and width of the images that the network sees.
        data_pixels: pixel format by the statistics of the data.
        protocols: turn maps into boxes and errors, by name; the first is the main one.
        views: kinds of views that batches of evaluation hold, in order; the first one is for
            protocols that leave it to the data.
        optim: how to train; null for a network that only looks.
        weights: `imagenet` or the path of a weight file, see `gapcam.arch.weights`; null for random
            ones.
        pixels: `caffe`, `imagenet` or `data`; null for what the weights were trained on, and the
            data's where there are none.
        channels_last: keep the units innermost: faster on CPUs and on GPUs with tensor cores.
        compile: run the trunk through `torch.compile`.

    Raises:
        UserError: if `pixels` is unknown, or `weights` is no word.
    """

    last_layer: str
    """Name of the trunk's last layer, for people."""

    trunk: nn.Module
    """Layers up to the cut."""

    class_layers: tuple[str, ...]
    """Layers with one unit a class: weights for other classes do not fit them."""

    aliases: Mapping[str, str] = {}
    """Names that weight files give to layers, and the names that the layers have here."""

    left_out: Mapping[str, str] = {}
    """Layers that weight files may hold and this network lacks, with points in their names, and why
    it does."""

    published_pixels = IMAGENET
    """Pixel format of weight files that do not tell theirs (.pth, .safetensors)."""

    kinds_of_maps: tuple[str, ...] = ("saliency", *OTHERS)
    """What `cam` can be, the network's own way first."""

    recipe: dict[str, Any]
    """Plain description from which `gapcam.load` builds this network again; set by `build`."""

    stopwatch: Stopwatch | None = None
    """Times what looking at batches costs, where somebody asks."""

    test_numbers: dict[str, float]
    """Numbers of the last test, of all processes."""

    def __init__(
        self,
        *,
        num_classes: int,
        size: tuple[int, int],
        data_pixels: PixelFormat,
        protocols: Mapping[str, Protocol],
        views: Sequence[str] = ("whole",),
        optim: Optim | None = None,
        weights: str | None = None,
        pixels: str | None = None,
        channels_last: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__()
        if weights is not None and not isinstance(weights, str):
            raise UserError(
                f"arch.weights must be null, imagenet or the path of a file; got {weights!r}"
            )
        self.num_classes = num_classes
        self.size = (int(size[0]), int(size[1]))
        if pixels not in (None, "data", *FORMATS):
            raise UserError(f"arch.pixels must be null, data, {', '.join(FORMATS)}; got {pixels!r}")
        self.pixels = Pixels(FORMATS.get(str(pixels), data_pixels))
        self.pixels_follow_weights = pixels is None
        self.cam = Kind(self.kinds_of_maps[0])
        self.optim = optim
        self.weights = weights
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.compiles = compile
        # Lightning logs metrics of one stage under one prefix; each stage owns its states.
        self.views = tuple(views)
        self.val_evaluation = Evaluation(protocols, self.size, self.views[0], num_classes)
        self.test_evaluation = Evaluation(protocols, self.size, self.views[0], num_classes)
        self.recipe = {}

    @property
    def class_names(self) -> list[str]:
        """Names of the classes."""
        names: list[str] = self.recipe["data"]["class_names"]
        return names

    def is_head(self, parameter: str) -> bool:
        """Whether a parameter, by its name, belongs to what is new on a trained trunk."""
        return parameter.startswith(("added.", *(f"{layer}." for layer in self.class_layers)))

    @abstractmethod
    def classify(self, inputs: Tensor) -> Output:
        """Score images `(B, 3, H, W)` in the network's own pixel format."""

    @abstractmethod
    def after_trunk(self, outputs: Tensor) -> Output:
        """Score what the trunk gives."""

    @abstractmethod
    def head(self, features: Tensor) -> Tensor:
        """Score the last features `(B, K, h, w)` -> logits `(B, C)`."""

    def choose_maps(self, cam: str) -> None:
        """Draw this kind of maps from now on.

        Args:
            cam: one of `kinds_of_maps`, behind which `@<layer>` may name a layer of the trunk;
                `auto` for the network's own way.

        Raises:
            UserError: if the network cannot draw them, or the package that does is missing.
        """
        kind = read_kind(self.kinds_of_maps[0] if cam == "auto" else cam)
        if kind.method not in self.kinds_of_maps:
            raise UserError(
                f"cam of {type(self).__name__} must be one of auto, "
                f"{', '.join(self.kinds_of_maps)}; got {cam!r}"
            )
        if kind.layer is not None:
            split(self.trunk, kind.layer)
        self.cam = kind

    def resolution_of_maps(self, features: Size) -> Size:
        """Height and width of the chosen maps.

        Args:
            features: height and width of the last features.
        """
        if self.cam.method == "saliency":
            return self.size
        if self.cam.layer is None:
            return features
        before, _ = split(self.trunk, self.cam.layer)
        return feature_shape(before, self.size, self.cam.layer)[1:]

    def imagenet(self) -> Source:
        """ImageNet weights that somebody hosts.

        Raises:
            UserError: if nobody does, or they cannot be fetched.
        """
        raise UserError(
            f"Nobody hosts ImageNet weights of {type(self).__name__} under a known checksum. Give "
            "arch.weights=null, or the path of a weight file."
        )

    def forward(self, images: Tensor) -> Output:
        """Score RGB images `(B, 3, H, W)` with values 0..255, of any type."""
        return self.classify(self.inputs(images))

    def inputs(self, images: Tensor) -> Tensor:
        """Images `(B, 3, H, W)`, RGB in 0..255, in the network's own pixel format and layout."""
        inputs: Tensor = self.pixels(images)
        return inputs.contiguous(memory_format=self.memory_format)

    def maps(self, images: Tensor, output: Output, classes: Tensor) -> Tensor:
        """Map the classes `(B, M)` of the images `(B, 3, H, W)` whose `output` is given.

        Returns:
            `(B, M, h, w)` float32: saliency maps of the images' size, others at the resolution of
            the features they are made of, as `cam` says.
        """
        if self.cam.method in OTHERS:
            return other_maps(self, images, output, classes)
        # A compiled network can be differentiated only once.
        with torch.compiler.set_stance("force_eager"):
            return saliency_maps(lambda x: self.classify(x).logits, self.inputs(images), classes)

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of a training batch."""
        return F.cross_entropy(self(batch.images).logits, batch.labels)

    def configure_model(self) -> None:
        self.to(memory_format=self.memory_format)
        if self.compiles:
            # Where the work is; in place, so that the names in checkpoints stay the same.
            self.trunk.compile()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self.loss(batch)
        self.log(
            "train/loss",
            loss,
            on_step=True,
            on_epoch=True,
            prog_bar=True,
            batch_size=len(batch.labels),
        )
        return loss

    def on_train_start(self) -> None:
        fetcher = self.trainer.fit_loop._data_fetcher
        if self.trainer.global_step > 0 and fetcher is not None:
            # Lightning starts the loader before it restores how far the run was: workers have
            # begun with the first samples of epoch 0. Now both are known.
            iter(fetcher)

    def on_train_epoch_end(self) -> None:
        loss = self.trainer.callback_metrics.get("train/loss_epoch")
        if loss is not None and not torch.isfinite(loss):
            raise UserError(
                f"The training loss became {loss.item()} in epoch {self.current_epoch}: the "
                "training diverged. Lower optim.lr and start again under another name=, or delete "
                "the run directory."
            )

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, self.val_evaluation)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, self.test_evaluation)

    def on_validation_epoch_start(self) -> None:
        self.val_evaluation.reset()

    def on_test_epoch_start(self) -> None:
        self.test_evaluation.reset()

    def on_validation_epoch_end(self) -> None:
        self._log_numbers("val", self.val_evaluation)
        self.val_evaluation.gather()
        self.test_evaluation.best = self.val_evaluation.best  # for pictures

    def on_test_epoch_end(self) -> None:
        # Taken here, where the processes can still talk to each other.
        numbers = self._log_numbers("test", self.test_evaluation)
        self.test_numbers = {name: round(float(number), 6) for name, number in numbers.items()}
        self.test_evaluation.gather_details()

    def predict_step(self, batch: Batch, batch_idx: int) -> Look:
        """Look at a batch in the views of the main protocol."""
        evaluation = self.test_evaluation
        return look(self, batch, evaluation.kind(evaluation.main))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        assert self.optim is not None
        schedule = self.optim.schedule
        optimizer = self.optim.make(self, self.is_head)
        total = max(1, self.trainer.estimated_stepping_batches)
        scheduler = LambdaLR(optimizer, lambda step: schedule(step / total))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["gapcam"] = {**self.recipe, "processes": self.trainer.world_size}

    def _evaluate(self, batch: Batch, evaluation: Evaluation) -> None:
        evaluation.update({kind: look(self, batch, kind) for kind in evaluation.kinds}, batch)

    def _log_numbers(self, stage: str, evaluation: Evaluation) -> dict[str, Tensor]:
        # Without true boxes there is no localization error.
        numbers = {name: v for name, v in evaluation.compute().items() if not v.isnan()}
        best = "loc_top1" if "loc_top1" in numbers else "cls_top1"
        for name, value in numbers.items():
            # `compute` has already combined the processes; sync_dist keeps Lightning from asking.
            self.log(f"{stage}/{name}", value, prog_bar=name == best, sync_dist=True)
        return numbers
