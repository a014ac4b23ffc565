"""One self-contained page about a run."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gapcam.viz.localizations import Localization

Gallery = dict[str, list[tuple[Path, Localization]]]

_PAGES = Environment(
    loader=PackageLoader("gapcam.viz", package_path="."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_report(facts: dict[str, Any], curves_svg: list[str], gallery: Gallery) -> str:
    """Render the page: numbers with floors, curves, gallery, how to repeat it. No outside links.

    Args:
        facts: what `metrics.json` holds, with `scores` (lines of `gapcam.score_table`),
            `has_boxes` and `config` (YAML text) added.
        curves_svg: SVG elements.
        gallery: pictures by group.
    """
    groups = {
        group: [(data_url(path), one.name, one.caption) for path, one in pictures]
        for group, pictures in gallery.items()
    }
    return _PAGES.get_template("report.html.jinja").render(
        facts=facts, curves_svg=curves_svg, groups=groups
    )


def data_url(picture: Path) -> str:
    """A PNG file as text that a page can hold."""
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
