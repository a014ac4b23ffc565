"""torchmetrics shells over the functions of `gapcam.cam`."""

from gapcam.metrics.localization import LocalizationError as LocalizationError
