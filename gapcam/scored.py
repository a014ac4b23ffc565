"""What scoring a network, or a folder of maps, comes to."""

from typing import Any, NamedTuple

from gapcam.arch.evaluation import Evaluation
from gapcam.cam.views import Size


class Scored(NamedTuple):
    """Numbers and details of a split, and where its maps came from.

    `numbers` by name, as `Evaluation.compute` gives them; `images` scored; `maps` facts about their
    source, for a file; `resolution` height and width of the maps; `notes` for readers.
    """

    evaluation: Evaluation
    numbers: dict[str, float]
    images: int
    maps: dict[str, Any]
    resolution: Size
    notes: list[str]
