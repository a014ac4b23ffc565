"""A protocol's settings: which go together, and what they do to maps."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gapcam.cam.sweep import Sweep
from gapcam.protocol import maps as on_maps
from gapcam.protocol.checks import (
    check_choices,
    check_company,
    check_lists,
    check_numbers,
    is_number,
)
from gapcam.protocol.words import BEST_HERE, rule, title

Size = tuple[int, int]
"""Height and width."""


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
        check_lists(self)
        # Configuration files have lists and whole numbers; equal rules must be equal.
        object.__setattr__(self, "levels", tuple(self.levels))
        object.__setattr__(self, "iou", tuple(float(iou) for iou in self.iou))
        for setting in ("percentile", "threshold"):
            if is_number(getattr(self, setting)):
                object.__setattr__(self, setting, float(getattr(self, setting)))
        check_choices(self)
        check_numbers(self)
        check_company(self)

    @property
    def is_swept(self) -> bool:
        """Whether all thresholds are tried, and one is chosen on validation images."""
        return self.threshold is None and self.region != "dt_box"

    @property
    def boxes_per_map(self) -> int:
        """How many boxes a map gives at one threshold: `dt_box` gives a loose and a tight one."""
        return 2 if self.region == "dt_box" else 1

    @property
    def idle(self) -> set[str]:
        """Settings that do nothing beside the others."""
        idle = set() if self.is_swept else {"steps"}
        idle |= {"threshold"} if self.region == "dt_box" else {"levels"}
        idle |= set() if self.region == "component" else {"connectivity"}
        return idle | (set() if self.view == "ten" else {"merge", "coverage"})

    @property
    def thresholds(self) -> Tensor:
        """The thresholds that are tried, `(T,)` float64, ascending: 0, 1/steps, ..."""
        # As wsolevaluation's np.arange(0, 1, 1 / steps), to the last bit.
        return torch.arange(self.steps, dtype=torch.float64) * (1 / self.steps)

    def at(self, threshold: float) -> "Protocol":
        """The same rule at one threshold."""
        return replace(self, threshold=threshold)

    @property
    def id(self) -> str:
        """Name and a digest of the settings that act, equal for equal rules: `paper-1f3a5c`."""
        settings = {key: value for key, value in asdict(self).items() if key not in self.idle}
        del settings["name"]
        settings["view"] = self.view or "whole"
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

    def as_dict(self, source: str = BEST_HERE) -> dict[str, Any]:
        """Title, id, rule and settings as plain Python, for `metrics.json`.

        Args:
            source: of the threshold, in words, where all were tried.
        """
        settings = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}
        return {"title": self.title, "id": self.id, "rule": rule(self, source), **settings}

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

        Raises:
            ValueError: if the protocol has a threshold, or the shapes do not fit.
        """
        if not self.is_swept:
            raise ValueError(f"protocol {self.name!r} does not try thresholds: it has its own")
        return on_maps.sweep(
            self, maps, view, regions, sizes, truth, counts, largest=largest, every=every
        )

    def heat(self, maps: Tensor, view: Size, regions: Tensor, sizes: Tensor) -> Tensor:
        """Normalised maps in 0..1 on the protocol's grid, `(B, H, W)`, of maps `(B, [V,] h, w)`.

        A map that is constant, holds NaN, or has nothing above zero becomes zero everywhere.
        """
        return on_maps.heat(self, maps, view, regions, sizes)

    def heat_on_pictures(
        self, maps: Tensor, view: Size, regions: Tensor, sizes: Tensor
    ) -> Iterator[Tensor]:
        """Normalised maps in 0..1 on the pixels of each original, for people to look at.

        What the protocol thresholds, enlarged once more from its grid; zero where no view shows the
        picture.

        Args:
            maps: `(B, M, h, w)` at mapping resolution, or `(B, V, M, h, w)` of several views.
            view: height and width of a view.
            regions: `(B, 4)` or `(B, V, 4)` what each view shows, in pixels of its original.
            sizes: `(B, 2)` height and width of the originals.

        Yields:
            `(M, H, W)` float32 of each original.
        """
        return on_maps.heat_on_pictures(self, maps, view, regions, sizes)
