"""Are birds told apart better in pictures cut to where the network looks? Table 4 of the paper.

Three linear SVMs on features that are not trained further: of full pictures; of crops, the boxes of
the first SVM's own class activation maps in training and in test pictures; of the true boxes.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gapcam.arch.gap_module import GAPModule
from gapcam.data.cub200 import CUB200
from gapcam.data.data_module import DataModule
from gapcam.errors import UserError
from gapcam.metrics.localization import LocalizationRows
from gapcam.protocol import Protocol
from gapcam.study.bench import Bench
from gapcam.study.cub.boxes import crops_of, locate, looking, write_crops
from gapcam.study.cub.found import Found, Setting
from gapcam.study.cub.full_test import run_full_test
from gapcam.study.cub.page import tell
from gapcam.study.extraction import extract
from gapcam.study.head import with_classifier
from gapcam.study.layer import Layer, require_pooled_classifier
from gapcam.study.linear_svm import LinearSVM, kept_svm
from gapcam.study.outcome import Outcome
from gapcam.study.study import Study
from gapcam.study.trained import require_trained

TRAIN_BOXES = ("guess", "label")
_NAMED = 5
"""Classes that a message names."""


class Cub(Study):
    """Table 4.

    Args:
        c: of the SVMs' loss against the weights' norm.
        train_boxes: whose map cuts training pictures: the class that the SVM of full pictures
            guesses (`guess`), as in test pictures, or the true class (`label`).
        margin: left around a box on each side, as a share of its width and height.

    Raises:
        UserError: if a setting is out of its range.
    """

    title = "Birds in full pictures, crops and true boxes"

    def __init__(self, *, c: float, train_boxes: str, margin: float) -> None:
        if not _is_number(c) or c <= 0:
            raise UserError(f"study.c must be a number above 0; got {c!r}")
        if train_boxes not in TRAIN_BOXES:
            raise UserError(
                f"study.train_boxes must be one of {', '.join(TRAIN_BOXES)}; got {train_boxes!r}"
            )
        if not _is_number(margin) or margin < 0:
            raise UserError(f"study.margin must be a number, 0 or above; got {margin!r}")
        self.c = float(c)
        self.train_boxes = train_boxes
        self.margin = float(margin)

    def check(self, bench: Bench) -> None:
        data = bench.data
        if not isinstance(data, CUB200):
            raise UserError(
                f"The study cub cuts pictures to boxes, which data=cub200 alone can do; got "
                f"{type(data).__name__}. For other data: study=features"
            )
        if data.crop != "full":
            raise UserError(f"The study cub cuts pictures itself: leave out data.crop={data.crop}")
        if data.stream is not None:
            raise UserError("The study cub needs picture files: leave out data.stream")
        require_pooled_classifier(bench.network, "The study cub")
        require_trained(Layer(bench.network), bench.fresh)
        _require_every_class(data)

    def run(self, bench: Bench) -> Outcome:
        # Other protocols may look at other views; features and crops are of the main one's.
        cut = partial(bench.data_with, view=_view(bench), cubv2=None)
        whole = cut()
        bench.say("full pictures")
        full = self._learn(bench, "full", whole)
        tested = run_full_test(bench, _network(bench, full, whole))
        network = looking(_network(bench, full, whole), tested.cutter, _view(bench))
        train_rows = locate(bench, "training pictures", network, whole, whole.train)

        bench.say("crops around what it looks at")
        crops = {
            "train": crops_of(train_rows, self.train_boxes == "label", self.margin),
            "test": crops_of(tested.rows, False, self.margin),
        }
        path = bench.folder / "boxes.csv"
        if bench.is_main:
            write_crops(path, [(whole.train, crops["train"]), (whole.test, crops["test"])])
        bench.trainer.strategy.barrier()
        cropped = cut(crop=str(path))
        crop, crop_rows = self._learn_and_look(bench, "crop", cropped, tested.cutter)
        bench.say("true boxes")
        boxed = cut(crop="bbox")
        bbox, bbox_rows = self._learn_and_look(bench, "bbox", boxed, tested.cutter)

        settings = (
            Setting("full", full.fit, full.svm.converged, tested.rows.classes[:, 0].numpy()),
            Setting("crop", crop.fit, crop.svm.converged, crop_rows.classes[:, 0].numpy()),
            Setting("bbox", bbox.fit, bbox.svm.converged, bbox_rows.classes[:, 0].numpy()),
        )
        return tell(bench, Found(settings, network, tested, train_rows, crops, whole, cropped))

    def _learn(self, bench: Bench, name: str, data: DataModule) -> "Learnt":
        """Train an SVM on the features of the training pictures."""
        (features,) = extract(replace(bench, data=data), [data.train])
        labels = data.train.labels
        svm = kept_svm(bench.steps, f"svm-{name}", features, labels, self.c, bench.seed)
        if not svm.converged:
            bench.say(f"the SVM of {name} had not come to its end; a smaller study.c is quicker")
        return Learnt(svm, float((svm.decide(features).argmax(1) == labels).mean()))

    def _learn_and_look(
        self, bench: Bench, name: str, data: DataModule, cutter: Protocol
    ) -> tuple["Learnt", LocalizationRows]:
        """Train an SVM on other cuts of the pictures, and look at the test pictures with it."""
        learnt = self._learn(bench, name, data)
        network = looking(_network(bench, learnt, data), cutter, _view(bench))
        return learnt, locate(bench, name, network, data, data.test)


@dataclass(frozen=True)
class Learnt:
    """An SVM; `fit` is its accuracy on the pictures that it was trained on."""

    svm: LinearSVM
    fit: float


def _network(bench: Bench, learnt: Learnt, data: DataModule) -> GAPModule:
    """The network with the SVM for a classifier."""
    return with_classifier(bench.network, learnt.svm.weight, learnt.svm.bias, data.class_names)


def _view(bench: Bench) -> str:
    """The kind of view that the main protocol looks at."""
    return bench.network.test_evaluation.kind(bench.protocol)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)


def _require_every_class(data: DataModule) -> None:
    """Refuse data from which no SVM can learn every class."""
    if data.num_classes < 2:
        raise UserError(f"The study cub needs two classes or more; {data.describe()}")
    counts = np.bincount(data.train.labels, minlength=data.num_classes)
    missing = [data.class_names[label] for label in np.flatnonzero(counts == 0)]
    if missing:
        named = ", ".join(missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        raise UserError(
            f"{len(missing)} of {data.num_classes} classes have no training picture: {named}. The "
            "study cub trains an SVM on all classes: use the whole data set, or take the classes "
            "out of its lists"
        )
