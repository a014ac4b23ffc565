"""A protocol in words: its title, and its rule in one line."""

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gapcam.protocol.protocol import Protocol


def title(protocol: "Protocol") -> str:
    """The name, with every setting that is not the published one: `paper(threshold=0.3)`."""
    from gapcam.protocol.published import PUBLISHED

    published = PUBLISHED.get(protocol.name)
    if published is None:
        return protocol.name
    changed = [
        f"{field.name}={getattr(protocol, field.name)!r}"
        for field in fields(protocol)
        if getattr(protocol, field.name) != getattr(published, field.name)
        and field.name not in protocol.idle
        # Where the rule leaves the view open, the usual one is no departure.
        and (field.name, protocol.view, published.view) != ("view", "whole", None)
    ]
    return protocol.name + (f"({', '.join(changed)})" if changed else "")


BEST_HERE = "the best of the images scored"
"""Source of thresholds where no other images are known."""


def rule(protocol: "Protocol", source: str = BEST_HERE) -> str:
    """Views, interpolation, normalisation, thresholds, region and IoU, in this order.

    Args:
        protocol: whose rule it is.
        source: of the threshold, in words, where the protocol tries all of them.
    """
    boxes = _boxes(protocol, source)
    return "; ".join([_views(protocol), _map(protocol), boxes, _match(protocol)])


def _views(protocol: "Protocol") -> str:
    summed = f"{protocol.merge} sum"
    divided = "divided by coverage" if protocol.coverage else "not divided by coverage"
    return {
        None: "views as data.view says",
        "whole": "one view, squashed",
        "centre": "the centre crop",
        "ten": f"ten crops, {summed}, {divided}",
    }[protocol.view]


def _map(protocol: "Protocol") -> str:
    grid = {"view": "the view's grid", "original": "the original image's grid"}.get(
        str(protocol.grid), f"{protocol.grid}x{protocol.grid}"
    )
    percentile = protocol.percentile
    top = "max" if percentile == 100 else f"the {percentile:g}th percentile"
    scaled = f"clamp at 0, divide by {top}"
    if protocol.normalise == "minmax":
        scaled = f"min-max{'' if percentile == 100 else f' up to {top}'}"
    return f"{protocol.interpolation} to {grid}; {scaled}{', 8 bit' if protocol.grey else ''}"


def _boxes(protocol: "Protocol", source: str) -> str:
    if protocol.region == "dt_box":
        levels = "/".join(str(level) for level in protocol.levels)
        return f"dt_box at grey levels {levels}, loose and tight box"
    kind = "contour" if protocol.region == "contour" else f"{protocol.connectivity}-connected"
    largest = "largest contour" if kind == "contour" else f"largest {kind} component"
    if protocol.is_swept:
        steps = f"{protocol.steps:,} thresholds, {source}"
        every = "contours" if kind == "contour" else "components"
        return f"{steps}; {largest} (V1), all {every} (V2)"
    return f"value > {protocol.threshold:g}; {largest}"


def _match(protocol: "Protocol") -> str:
    smallest = "/".join(f"{iou:g}" for iou in protocol.iou)
    kind = "inclusive IoU of truncated boxes" if protocol.region == "contour" else "IoU"
    return f"{kind} >= {smallest} with any true box"
