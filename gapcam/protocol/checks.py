"""Which settings a protocol can have, and which go together."""

from typing import TYPE_CHECKING, Any, NoReturn

from gapcam.cam.sweep_data import MOST_THRESHOLDS

if TYPE_CHECKING:
    from gapcam.protocol.protocol import Protocol

CHOICES: dict[str, tuple[Any, ...]] = {
    "view": (None, "whole", "centre", "ten"),
    "merge": ("signed", "absolute"),
    "interpolation": ("bilinear", "cubic", "matlab"),
    "normalise": ("max", "minmax"),
    "region": ("component", "contour", "dt_box"),
    "connectivity": (8, 4),
    "coverage": (True, False),
    "grey": (True, False),
}
"""What the settings can be that are chosen from a list."""


def check_lists(protocol: "Protocol") -> None:
    """Refuse what is no list of numbers where one is wanted."""
    for setting in ("levels", "iou"):
        value = getattr(protocol, setting)
        if not isinstance(value, list | tuple) or not all(is_number(one) for one in value):
            _refuse(protocol, setting, "a list of numbers")


def check_choices(protocol: "Protocol") -> None:
    """Refuse what is not among the choices of a setting."""
    for setting, choices in CHOICES.items():
        value = getattr(protocol, setting)
        if (type(value), value) not in [(type(choice), choice) for choice in choices]:
            listed = ", ".join("null" if c is None else str(c).lower() for c in choices)
            _refuse(protocol, setting, f"one of {listed}")


def check_numbers(protocol: "Protocol") -> None:
    """Refuse numbers out of their range."""
    threshold, iou = protocol.threshold, protocol.iou
    low_to_high = [0, *protocol.levels, 255]
    are_levels = len(low_to_high) == 5 and low_to_high == sorted(set(low_to_high))
    wanted = {
        "grid": (
            protocol.grid in ("view", "original") or _is_whole(protocol.grid, 1, 4096),
            "view, original or a side of 1 to 4096 pixels",
        ),
        "threshold": (
            threshold is None or (is_number(threshold) and 0 <= threshold < 1),
            "in [0, 1), or null to try all",
        ),
        "steps": (
            _is_whole(protocol.steps, 1, MOST_THRESHOLDS),
            f"a whole number from 1 to {MOST_THRESHOLDS}",
        ),
        "percentile": (
            is_number(protocol.percentile) and 0 < protocol.percentile <= 100,
            "in (0, 100]",
        ),
        "iou": (
            len(iou) > 0 and all(0 < one <= 1 for one in iou) and list(iou) == sorted(set(iou)),
            "numbers in (0, 1], ascending, without repeats",
        ),
        "levels": (
            are_levels and all(_is_whole(level, 1, 254) for level in protocol.levels),
            "three ascending grey levels from 1 to 254",
        ),
    }
    for setting, (is_right, expected) in wanted.items():
        if not is_right:
            _refuse(protocol, setting, expected)


def check_company(protocol: "Protocol") -> None:
    """Refuse settings that do not go with others."""
    if protocol.region == "contour":
        why = "wsolevaluation's rule as a whole"
        _require(protocol, why, view="whole", interpolation="cubic", normalise="minmax")
        _require(protocol, why, grey=True, connectivity=8, percentile=100.0)
        if protocol.grid == "original":
            _refuse(protocol, "grid", "view or a side, as region=contour compares on a fixed grid")
    if protocol.region == "dt_box":
        why = "the released program"
        _require(protocol, why, interpolation="matlab", normalise="max", percentile=100.0)
        _require(protocol, why, grid="original", grey=True, merge="absolute", coverage=False)
    if protocol.percentile < 100 and (protocol.threshold is None or protocol.grey):
        _refuse(protocol, "percentile", "100 where thresholds are swept or values are grey")


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float; bool is neither here."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require(protocol: "Protocol", why: str, **wanted: Any) -> None:
    for setting, value in wanted.items():
        if getattr(protocol, setting) != value:
            _refuse(protocol, setting, f"{value!r}, as region={protocol.region} is {why}")


def _refuse(protocol: "Protocol", setting: str, expected: str) -> NoReturn:
    raise ValueError(f"{setting} must be {expected}; got {getattr(protocol, setting)!r}")


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
