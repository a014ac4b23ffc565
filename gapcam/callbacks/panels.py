"""Pictures after every validation, and what the test found, for dashboards of any kind."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_only

from gapcam.arch.network import Network
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.errors import UserError
from gapcam.viz.findings import Findings, find, spread
from gapcam.viz.localizations import Localization, localize

MOST_IMAGES = 32
MOST_ROWS = 500

LoggerT = TypeVar("LoggerT", bound=Logger)


class Panels(pl.Callback, Generic[LoggerT]):
    """Looks at pictures and hands them to loggers of one kind; idle where there is none.

    The pictures are spread evenly over a split and never change, so that panels can be compared
    over epochs and between runs. Only the first process looks at them, and it waits for no other.

    Args:
        images: how many, of the validation split after every validation and of the test split at
            the end; 0 to 32.
        rows: of the table of test pictures; 0 to 500.

    Raises:
        UserError: if a number is out of range.
    """

    logger_kind: type[LoggerT]

    def __init__(self, images: int = MOST_IMAGES, rows: int = MOST_ROWS) -> None:
        for name, value, most in (("images", images, MOST_IMAGES), ("rows", rows, MOST_ROWS)):
            if not isinstance(value, int) or not 0 <= value <= most:
                raise UserError(
                    f"{name} of {type(self).__name__} must be 0 to {most}; got {value!r}"
                )
        self.images = images
        self.rows = rows

    @abstractmethod
    def send_pictures(
        self, logger: LoggerT, key: str, found: list[Localization], network: Network, step: int
    ) -> None:
        """Log pictures under a name, at an optimizer step."""

    @abstractmethod
    def send_findings(self, logger: LoggerT, found: Findings, network: Network, step: int) -> None:
        """Log what the test found."""

    @rank_zero_only
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Thresholds are chosen by one more validation of the same weights.
        if trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking:
            split = _data(trainer).val
            self._look(trainer, pl_module, "val/cam", split, range(len(split)))

    @rank_zero_only
    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        loggers = self._loggers(trainer)
        if not loggers:
            return
        assert isinstance(pl_module, Network)
        evaluation, data = pl_module.test_evaluation, _data(trainer)
        scored = evaluation.details[evaluation.main.name].index.tolist()
        self._look(trainer, pl_module, "test/cam", data.test, scored)
        found = find(pl_module, data, self.rows)
        for logger in loggers:
            self.send_findings(logger, found, pl_module, trainer.global_step)

    def _look(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        key: str,
        split: LocalizationDataset,
        choice: Sequence[int],
    ) -> None:
        loggers, data = self._loggers(trainer), _data(trainer)
        if not loggers or self.images == 0:
            return
        assert isinstance(module, Network)
        indices = [choice[place] for place in spread(len(choice), self.images)]
        found = list(localize(module, data, split, indices))
        for logger in loggers:
            self.send_pictures(logger, key, found, module, trainer.global_step)

    def _loggers(self, trainer: pl.Trainer) -> list[LoggerT]:
        return [logger for logger in trainer.loggers if isinstance(logger, self.logger_kind)]


def _data(trainer: pl.Trainer) -> DataModule:
    data: DataModule = trainer.datamodule  # type: ignore[attr-defined]
    return data
