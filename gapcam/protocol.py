"""Named evaluation protocols: no number without its rule.

A protocol is a small frozen object. Its `name` says which published rule it is and every setting
that departs from it, so a number can be logged beside the rule that made it.
"""

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PaperProtocol:
    """The rule in the paper's text (Zhou et al. 2016, 3.2).

    One view; the map, clamped at zero, is divided by its maximum; values above `threshold` are
    kept; the box is tight around the largest connected component. A guess is right if its class
    is right and its box has IoU of at least `iou_threshold` with any true box, in the original
    image's pixels. The paper does not say how pixels connect: 8 neighbours here.

    Args:
        threshold: fraction of the map's maximum, in 0..1 (1 excluded).
        connectivity: 8 or 4 neighbours.
        iou_threshold: smallest IoU that counts as found, in 0..1 (0 excluded).

    Raises:
        ValueError: if a setting is out of its range.
    """

    threshold: float = 0.2
    connectivity: int = 8
    iou_threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < 1:
            raise ValueError(f"protocol.threshold must lie in [0, 1); got {self.threshold!r}")
        if self.connectivity not in (4, 8):
            raise ValueError(f"protocol.connectivity must be 4 or 8; got {self.connectivity!r}")
        if not 0 < self.iou_threshold <= 1:
            raise ValueError(
                f"protocol.iou_threshold must lie in (0, 1]; got {self.iou_threshold!r}"
            )

    @property
    def name(self) -> str:
        """`paper`, with every setting that is not the paper's: `paper(threshold=0.3)`."""
        changed = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return "paper" + (f"({', '.join(changed)})" if changed else "")

    @property
    def rule(self) -> str:
        """The rule in words, for people who read a table."""
        return (
            "one view, bilinear, clamp at 0 and divide by max; "
            f"value > {self.threshold:g} of max, largest {self.connectivity}-connected component; "
            f"IoU >= {self.iou_threshold:g} with any true box"
        )

    def as_dict(self) -> dict[str, Any]:
        """Name, rule and settings as plain Python, for `metrics.json`."""
        return {"name": self.name, "rule": self.rule, **asdict(self)}

    def boxes(self, maps_BMhw: "Tensor", size: tuple[int, int]) -> "Tensor":
        """Cut a box from each map: `(B, M, h, w)` -> `(B, M, 4)` in pixels of the view `size`."""
        from gapcam.cam.rules import largest_component_boxes

        return largest_component_boxes(maps_BMhw, size, self.threshold, self.connectivity)
