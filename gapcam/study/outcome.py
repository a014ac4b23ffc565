"""What a study has found: numbers, rows, and a page told in sections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Shown:
    """A picture file in the run's folder, and what it shows, in words."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Sheet:
    """A table: texts stand left, numbers right, None is shown as a dash.

    `title` is the table's caption, empty for none.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page: its `title`, `text` (a paragraph each), tables, figures as SVG, pictures.

    `anchor` names a page of its own, `<anchor>.html` beside the report, which is linked from it;
    empty for a section of the report itself.
    """

    title: str
    text: Sequence[str] = ()
    sheets: Sequence[Sheet] = ()
    figures: Sequence[str] = ()
    pictures: Sequence[Shown] = ()
    anchor: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a study hands over to be written down.

    Args:
        metrics: numbers by bare name (`cls_top1`, `pixel_ap`), rates in 0..1; `gapcam.score_table`
            knows their titles.
        evaluated_on: of how many pictures of which split they are, in words.
        headline: what came out, in a sentence or two.
        sections: of the page, in order.
        rows: `rows.csv`, a line for each sample or whatever the study counts.
        tables: further CSV files, by name without suffix.
        repeats: the values behind a mean: by metric, one for each split, phrase or attribute.
        intervals: lower and upper end of the 95 % bootstrap interval, by metric.
        notes: what somebody who reads the numbers must know.
        facts: anything else for `metrics.json`, plain values under a key of the study's own.
    """

    metrics: Mapping[str, float]
    evaluated_on: str
    headline: str
    sections: Sequence[Section]
    rows: Sheet
    tables: Mapping[str, Sheet] = field(default_factory=dict)
    repeats: Mapping[str, Sequence[float]] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
