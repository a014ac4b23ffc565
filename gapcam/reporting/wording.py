"""Numbers and lines in words."""

from collections.abc import Sequence

from gapcam.reporting.chance import Compared
from gapcam.reporting.series import Series
from gapcam.reporting.table import Cell, as_error, is_accuracy

_SAYS = {
    "loc_gt_known": "finds the object in {} % of the test pictures, the class being given",
    "loc_top1": "names and finds the object in {} % of the test pictures",
    "loc_top5": "finds the object with one of five guesses in {} % of the test pictures",
    "max_box_acc": "finds {} % of the objects (MaxBoxAcc)",
    "max_box_acc_v2": "finds {} % of the objects (MaxBoxAccV2)",
    "cls_top1": "classifies {} % of the test pictures right",
    "cls_top5": "has the class among five guesses in {} % of the test pictures",
    "average_precision": "ranks the pictures with an average precision of {} %",
    "pixel_ap": "ranks the pixels with an average precision of {} %",
    "box_recall": "finds {} % of the true boxes",
    "vqa_accuracy": "answers with an accuracy of {} %",
}


def written(cell: Cell, is_turned: bool = False, digits: int = 1) -> str:
    """Mean and standard deviation, or mean and interval: `95.4 ± 0.8`.

    `is_turned` for 100 minus the number.
    """
    if cell.mean is None:
        return "-"
    mean = 100 - cell.mean if is_turned else cell.mean
    half = cell.deviation if cell.deviation is not None else cell.interval
    return f"{mean:.{digits}f}" + ("" if half is None else f" ± {half:.{digits}f}")


def says(one: Series, compared: Compared) -> str:
    """What a line reaches: "finds the object in 95.4 ± 0.8 % of ..."."""
    cell = one.line.cells[compared.place]
    words = _SAYS[compared.column.name.rpartition("/")[2]]
    said = words.format(written(cell, not is_accuracy(compared.column)))
    protocol = compared.column.protocol_title
    return f"{said} (protocol {protocol})" if protocol else said


def by_error(measured: Sequence[Series], compared: Compared) -> list[Series]:
    """Lines that have the number, best first."""

    def error(one: Series) -> float:
        return as_error(compared.column, one.line.cells[compared.place].mean or 0.0)

    return sorted((s for s in measured if s.line.cells[compared.place].values), key=error)
