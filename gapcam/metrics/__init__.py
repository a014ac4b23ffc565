"""torchmetrics shells over the functions of `gapcam.cam`."""

from gapcam.metrics.localization import LocalizationError as LocalizationError
from gapcam.metrics.max_box_acc import MaxBoxAcc as MaxBoxAcc
from gapcam.metrics.pixel_ap import PixelAP as PixelAP
from gapcam.metrics.pointing_game import PointingGame as PointingGame
