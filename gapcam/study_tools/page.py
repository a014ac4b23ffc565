"""The page of a study, and the further pages that belong to it."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from gapcam.score_table import CHANCES, WITHOUT_MAPS, by_protocol, score_rows
from gapcam.study.outcome import Section, Sheet
from gapcam.viz.pages import PAGES, data_url


def render_pages(
    facts: Mapping[str, Any], config: Mapping[str, Any], sections: Sequence[Section]
) -> dict[str, str]:
    """Render `report` and a page for each section with an anchor: HTML by name, without suffix.

    Each page is self-contained but for the links between them.

    Args:
        facts: as `metrics.json` holds them.
        config: the whole configuration.
        sections: what the study has to tell, in order.
    """
    template = PAGES.get_template("study_tools/page.html.jinja")
    numbers = by_protocol(facts["metrics"], facts["protocols"])
    has_part = {name for name, of in numbers.items() if of.keys() - {*WITHOUT_MAPS, *CHANCES}}
    shared = {
        "facts": facts,
        "rules": [of for name, of in facts["protocols"].items() if name in has_part],
        "heads": [name if name in has_part else "" for name in facts["protocols"]],
        "scores": score_rows(numbers, facts["intervals"]),
        "config": yaml.safe_dump(dict(config), sort_keys=False),
    }
    here = [_shown(section) for section in sections if not section.anchor]
    links = [(section.anchor, section.title) for section in sections if section.anchor]
    pages = {"report": template.render(**shared, sections=here, links=links, is_part=False)}
    for section in sections:
        if section.anchor:
            part = {**shared, "sections": [_shown(section)], "links": [], "is_part": True}
            pages[section.anchor] = template.render(**part)
    return pages


def _shown(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "text": section.text,
        "sheets": [_sheet(sheet) for sheet in section.sheets],
        "figures": section.figures,
        "pictures": [
            (data_url(one.path.read_bytes(), one.path.suffix.lstrip(".")), one.caption)
            for one in section.pictures
        ],
    }


def _sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "title": sheet.title,
        "columns": sheet.columns,
        "rows": [[(_text(value), _is_number(value)) for value in row] for row in sheet.rows],
    }


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
