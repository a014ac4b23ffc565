"""What finer maps of one network do, and why, in sentences."""

from collections.abc import Sequence

from gapcam.reporting.chance import Compared, is_better
from gapcam.reporting.figures import mean_mistakes
from gapcam.reporting.series import Series, shared_title
from gapcam.reporting.table import is_accuracy
from gapcam.reporting.wording import by_error, says, written
from gapcam.score_table import MISTAKES

_KIND_WORTH_SAYING = 3.0
"""Change of the share of a kind of mistake in percentage points."""


def what_finer_maps_do(sweep: Sequence[Series], compared: Compared) -> str:
    """What finer maps do to this number."""
    known = [one for one in sweep if one.line.cells[compared.place].values]
    finer = [one for one in known if one.maps != known[0].maps]
    if not finer:
        return ""
    coarse = known[0]
    sentence = f"With {_maps(coarse)} maps, {shared_title(known)} {says(coarse, compared)}"
    verbs = ("localize", "classify")
    verb = verbs[compared.column.name.rpartition("/")[2].startswith("cls_")]
    better = [one for one in finer if is_better(one.line, coarse.line, compared)]
    worse = [one for one in finer if is_better(coarse.line, one.line, compared)]
    unsure = [one for one in finer if one not in better + worse]
    if len(unsure) == len(finer):
        return f"{sentence}. Finer maps make no sure difference: {_listed(finer, compared)}."
    parts = [
        f"finer maps {verb} {word}: {_listed(which, compared)}"
        for word, which in (("better", better), ("worse", worse))
        if which
    ]
    if unsure:
        parts.append(f"no sure difference with {_listed(unsure, compared)}")
    text = "; ".join(parts)
    return f"{sentence}. {text[0].upper()}{text[1:]}."


def _listed(lines: Sequence[Series], compared: Compared) -> str:
    turned = not is_accuracy(compared.column)
    return ", ".join(
        f"{written(one.line.cells[compared.place], turned)} % at {_maps(one)}" for one in lines
    )


def _maps(series: Series) -> str:
    height, width = series.maps or (0, 0)
    return f"{height}x{width}"


def why(sweep: Sequence[Series], compared: Compared) -> list[str]:
    """What cutting does to a network, and which mistake changes most from best maps to worst."""
    networks = [one.first["network"] for one in (sweep[0], sweep[-1])]
    coarse, fine = (
        f"{network['last_layer']} ({network['parameters']:,} parameters)" for network in networks
    )
    said = [
        f"Finer maps come from cutting the network earlier, after {fine} instead of {coarse}: "
        "there are fewer layers, and each unit sees less of the picture."
    ]
    ordered = by_error(sweep, compared)
    if len(ordered) > 1 and is_better(ordered[0].line, ordered[-1].line, compared):
        said += _new_mistake(ordered[0], ordered[-1], compared)
    return said


def _new_mistake(best: Series, worst: Series, compared: Compared) -> list[str]:
    is_given = compared.column.name.rpartition("/")[2] not in ("loc_top1", "loc_top5")
    before, after = (_shares(mean_mistakes(one), is_given) for one in (best, worst))
    changes = {kind: after[kind] - before[kind] for kind in before if kind in after}
    kind = max(changes, key=lambda kind: changes[kind], default="")
    if not kind or changes[kind] < _KIND_WORTH_SAYING:
        return []
    of_what = "the pictures whose class is guessed right" if is_given else "the pictures"
    return [
        f"From {_maps(best)} to {_maps(worst)} maps the mistake that grows most is "
        f"“{MISTAKES[kind]}”: from {before[kind]:.0f} % to {after[kind]:.0f} % of {of_what}. The "
        "same pictures through every network, further below, show it."
    ]


def _shares(mistakes: dict[str, float], is_given: bool) -> dict[str, float]:
    """Shares of mistakes, of the class too, or only of boxes where the class is guessed right."""
    left_out = ("right", "wrong_class") if is_given else ("right",)
    whole = 100 - mistakes.get("wrong_class", 0.0) if is_given else 100.0
    kinds = {kind: share for kind, share in mistakes.items() if kind not in left_out}
    return {kind: 100 * share / whole for kind, share in kinds.items()} if whole else {}
