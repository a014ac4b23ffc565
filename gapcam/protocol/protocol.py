"""A protocol's settings: which go together, and what they do to maps."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gapcam.cam.sweep import Sweep
from gapcam.protocol import maps as on_maps
from gapcam.protocol.words import rule, title

Size = tuple[int, int]
"""Height and width."""

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


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How maps become boxes, and which boxes count as found.

    A view's map is enlarged to the grid (the maps of several views are merged there), normalised,
    and cut at a threshold; boxes are drawn around the regions that remain, and are compared with
    the true boxes in pixels of the original image. With `threshold=None` every threshold is tried:
    the one to report with is chosen on validation images.

    Args:
        name: of the published rule it starts from, or any other.
        view: what the network sees of each image: `whole`, `centre`, `ten`; None: as `data.view`.
        grid: where maps are enlarged to: `view` (the pixels that the network saw), `original` (the
            image's own), or the side of a square.
        merge: several views: `signed` sum, or sum of `absolute` values (the released code).
        coverage: several views: divide by how many of them cover each pixel.
        interpolation: of the enlargement, see `gapcam.cam.enlarge`.
        normalise: `max` clamps at zero and divides by the maximum; `minmax` maps minimum and
            maximum to 0 and 1.
        percentile: which percentile of the map stands for its maximum; 100 is the maximum.
        grey: quantise the normalised map to 8 bits, and the threshold with it.
        threshold: fraction kept (`value > threshold`), in [0, 1); None: all of them, see `steps`.
        steps: how many thresholds are tried: 0, 1/steps, 2/steps, ...
        region: `component` (connected component, the largest has most pixels), `contour`
            (wsolevaluation's, with its boxes and its IoU), `dt_box` (the released program).
        connectivity: of components: 8 or 4 neighbours.
        levels: the three grey levels of `dt_box`.
        iou: smallest IoU that counts as found; several where accuracy is averaged over them.

    Raises:
        ValueError: if a setting is out of its range, or does not go with another.
    """

    name: str
    view: str | None = None
    grid: str | int = "view"
    merge: str = "signed"
    coverage: bool = True
    interpolation: str = "bilinear"
    normalise: str = "max"
    percentile: float = 100.0
    grey: bool = False
    threshold: float | None = 0.2
    steps: int = 1000
    region: str = "component"
    connectivity: int = 8
    levels: tuple[int, int, int] = (20, 100, 110)
    iou: tuple[float, ...] = (0.5,)

    def __post_init__(self) -> None:
        # Configuration files have lists.
        object.__setattr__(self, "levels", tuple(self.levels))
        object.__setattr__(self, "iou", tuple(self.iou))
        for setting, choices in CHOICES.items():
            value = getattr(self, setting)
            if (type(value), value) not in [(type(choice), choice) for choice in choices]:
                listed = ", ".join("null" if c is None else str(c).lower() for c in choices)
                self._refuse(setting, f"one of {listed}")
        if not (self.grid in ("view", "original") or _is_whole(self.grid, 1, 4096)):
            self._refuse("grid", "view, original or a side of 1 to 4096 pixels")
        if not (self.threshold is None or (_is_number(self.threshold) and 0 <= self.threshold < 1)):
            self._refuse("threshold", "in [0, 1), or null to try all")
        if not _is_whole(self.steps, 1, 65535):
            self._refuse("steps", "a whole number from 1 to 65535")
        if not (_is_number(self.percentile) and 0 < self.percentile <= 100):
            self._refuse("percentile", "in (0, 100]")
        if not (self.iou and all(_is_number(iou) and 0 < iou <= 1 for iou in self.iou)):
            self._refuse("iou", "numbers in (0, 1]")
        if list(self.iou) != sorted(set(self.iou)):
            self._refuse("iou", "ascending, without repeats")
        low_to_high = (0, *self.levels, 255)
        if len(self.levels) != 3 or list(low_to_high) != sorted(set(low_to_high)):
            self._refuse("levels", "three ascending grey levels from 1 to 254")
        self._require_company()

    def _require_company(self) -> None:
        if self.region == "contour":
            self._require("wsolevaluation's rule as a whole", view="whole", interpolation="cubic")
            self._require("wsolevaluation's rule as a whole", normalise="minmax", grey=True)
            self._require("wsolevaluation's rule as a whole", connectivity=8, percentile=100)
            if self.grid == "original":
                self._refuse("grid", "view or a side, as region=contour compares on a fixed grid")
        if self.region == "dt_box":
            self._require("the released program", interpolation="matlab", normalise="max")
            self._require("the released program", grid="original", grey=True, percentile=100)
            self._require("the released program", merge="absolute", coverage=False)
        if self.percentile < 100 and (self.threshold is None or self.grey):
            self._refuse("percentile", "100 where thresholds are swept or values are grey")

    def _require(self, because: str, **wanted: Any) -> None:
        for setting, value in wanted.items():
            if getattr(self, setting) != value:
                self._refuse(setting, f"{value!r}, as region={self.region} is {because}")

    def _refuse(self, setting: str, expected: str) -> None:
        raise ValueError(f"{setting} must be {expected}; got {getattr(self, setting)!r}")

    @property
    def is_swept(self) -> bool:
        """Whether all thresholds are tried, and one is chosen on validation images."""
        return self.threshold is None and self.region != "dt_box"

    @property
    def boxes_per_map(self) -> int:
        """How many boxes a map gives at one threshold: `dt_box` gives a loose and a tight one."""
        return 2 if self.region == "dt_box" else 1

    @property
    def thresholds(self) -> Tensor:
        """The thresholds that are tried, `(T,)` float64, ascending: 0, 1/steps, ..."""
        return torch.arange(self.steps, dtype=torch.float64) / self.steps

    def at(self, threshold: float) -> "Protocol":
        """The same rule at one threshold."""
        return replace(self, threshold=threshold)

    @property
    def id(self) -> str:
        """Name and a digest of all settings, equal for equal rules: `paper-1f3a5c`."""
        settings = {key: value for key, value in asdict(self).items() if key != "name"}
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        return f"{self.name}-{digest[:6]}"

    @property
    def title(self) -> str:
        """The name, with every setting that is not the published one: `paper(threshold=0.3)`."""
        return title(self)

    @property
    def rule(self) -> str:
        """The rule in one line, for people who read a table."""
        return rule(self)

    def as_dict(self) -> dict[str, Any]:
        """Title, id, rule and settings as plain Python, for `metrics.json`."""
        settings = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}
        return {"title": self.title, "id": self.id, "rule": self.rule, **settings}

    def boxes(self, maps: Tensor, view: Size, regions: Tensor, sizes: Tensor) -> Tensor:
        """Cut boxes from maps, at the protocol's threshold.

        Args:
            maps: `(B, M, h, w)` at mapping resolution, or `(B, V, M, h, w)` of several views.
            view: height and width of a view.
            regions: `(B, 4)` or `(B, V, 4)` what each view shows, in pixels of its original.
            sizes: `(B, 2)` height and width of the originals.

        Returns:
            `(B, M, K, 4)` in pixels of the originals, half-open; zeros where nothing is found. K is
            `boxes_per_map`: one, or the loose and the tight one.

        Raises:
            ValueError: if the shapes do not fit, or the threshold was not chosen yet.
        """
        return on_maps.boxes(self, maps, view, regions, sizes)

    def sweep(
        self,
        maps: Tensor,
        view: Size,
        regions: Tensor,
        sizes: Tensor,
        truth: Tensor,
        counts: Tensor,
        largest: bool = True,
        every: bool = True,
    ) -> Sweep:
        """IoU with the true boxes at every threshold.

        Args:
            maps: `(B, h, w)` of one class each, or `(B, V, h, w)` of several views.
            view: height and width of a view.
            regions: `(B, 4)` or `(B, V, 4)` what each view shows, in pixels of its original.
            sizes: `(B, 2)` height and width of the originals.
            truth: `(B, G, 4)` true boxes in pixels of the originals, half-open, padded.
            counts: `(B,)` how many of them are real.
            largest: whether the largest region's IoU is wanted.
            every: whether the best IoU of all regions is wanted.

        Returns:
            See `gapcam.cam.sweep.Sweep`.
        """
        return on_maps.sweep(
            self, maps, view, regions, sizes, truth, counts, largest=largest, every=every
        )

    def heat(self, maps: Tensor, view: Size, regions: Tensor, sizes: Tensor) -> Tensor:
        """Normalised maps in 0..1 on the protocol's grid, `(B, H, W)`, of maps `(B, [V,] h, w)`.

        A map that is constant, holds NaN, or has nothing above zero becomes zero everywhere.
        """
        return on_maps.heat(self, maps, view, regions, sizes)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
