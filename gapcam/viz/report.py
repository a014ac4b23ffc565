"""One self-contained page about a run."""

from pathlib import Path
from typing import Any

from gapcam.viz.localizations import Localization
from gapcam.viz.pages import PAGES, data_url

Gallery = dict[str, list[tuple[Path, Localization]]]


def render_report(facts: dict[str, Any], curves_svg: list[str], gallery: Gallery) -> str:
    """Render the page: numbers with floors, curves, gallery, how to repeat it. No outside links.

    Args:
        facts: what `metrics.json` holds, with `scores` (lines of `gapcam.score_table`),
            `has_boxes` and `config` (YAML text) added.
        curves_svg: SVG elements.
        gallery: pictures by group.
    """
    groups = {
        group: [(data_url(path.read_bytes()), one.name, one.caption) for path, one in pictures]
        for group, pictures in gallery.items()
    }
    return PAGES.get_template("viz/report.html.jinja").render(
        facts=facts, curves_svg=curves_svg, groups=groups
    )
