"""Tables of runs: only lines scored by the same rules on the same images share one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gapcam.recipes.recipe import Recipe
from gapcam.reporting.lines import other_line, recipe_lines, slots
from gapcam.reporting.numbers import Rule, floor, rule, usual_columns, with_protocol
from gapcam.reporting.places import Point, described_images, repeat_of, test_images, variants
from gapcam.reporting.records import RunRecord
from gapcam.reporting.table import Column, Line, Table
from gapcam.score_table import CHANCES, FLOORS

SHOWN_FLOORS = ("floor_whole_image", "floor_best_centred")
_FLOOR_TITLES = {name: f"{FLOORS[name]}, class given" for name in SHOWN_FLOORS} | {
    name: f"floor: {title}" for name, title in CHANCES.items()
}
OTHER_RUNS = "Other runs"


@dataclass
class _Basis:
    """What the numbers of a table rest on: by column its rule, and the images by repeat."""

    rules: dict[int, Rule] = field(default_factory=dict)
    images: dict[int, dict[Point, str]] = field(default_factory=dict)

    def add(self, other: "_Basis") -> None:
        self.rules |= other.rules
        for place, images in other.images.items():
            self.images[place] = self.images.get(place, {}) | images

    def shares_images(self, other: "_Basis", place: int) -> bool:
        """Whether the numbers of a column were found on the same images, as far as both go."""
        ours, theirs = self.images.get(place, {}), other.images.get(place, {})
        both = ours.keys() & theirs.keys()
        if not ours or not theirs:
            return True
        if not both:
            return not set(ours.values()).isdisjoint(theirs.values())
        return all(ours[repeat] == theirs[repeat] for repeat in both)


def recipe_tables(recipe: Recipe, records: Iterable[RunRecord]) -> tuple[list[Table], list[str]]:
    """The tables of a recipe, and notes on runs that have no place in them.

    There is one table, and further ones for lines that were scored by another protocol or on other
    images. Rows that were not run and rows that the paper quotes stand in the first.
    """
    lines, notes = recipe_lines(recipe, records)
    shown = [slot.column for slot in slots(recipe)]
    return [
        replace(table, recipe=recipe.name)
        for table in _tables(
            recipe.title, recipe.note, shown, lines, recipe.repeat, are_cuts=recipe.cuts
        )
    ], notes


def other_tables(records: Sequence[RunRecord]) -> list[Table]:
    """Tables of runs that belong to no recipe: a line for everything but the seed."""
    by_name = defaultdict(list)
    for record in records:
        by_name[_name(record)].append(record)
    shown = usual_columns([record.facts for record in records if record.state == "finished"])
    lines = [
        other_line(variant, shown) for runs in by_name.values() for variant in variants(runs, ())
    ]
    return _tables(OTHER_RUNS, "", shown, lines, ())


def _name(record: RunRecord) -> tuple[str, str]:
    trim = record.config["arch"].get("trim")
    return str(record.config.get("name")), str(trim)


def _tables(
    title: str,
    note: str,
    shown: Sequence[Column],
    lines: Sequence[Line],
    repeated: Iterable[str],
    are_cuts: bool = False,
) -> list[Table]:
    repeated = {*repeated, "seed"}
    parts: list[tuple[_Basis, list[Line]]] = []
    unmeasured = []
    for line in lines:
        basis = _basis(line, shown, repeated, are_cuts)
        home = next((part for part in parts if not _why_apart(basis, part[0])), None)
        if not basis.rules:
            unmeasured.append(line)
        elif home is None:
            parts.append((basis, [line]))
        else:
            home[0].add(basis)
            home[1].append(line)
    # The usual case first: what most lines rest on.
    parts.sort(key=lambda part: -len(part[1]))
    first = parts[0] if parts else (_Basis(), [])
    tables = [_table(title, note, shown, _in_order(lines, [*first[1], *unmeasured]), are_cuts)]
    for basis, apart in parts[1:]:
        reason = "; ".join(_why_apart(basis, first[0]))
        tables.append(replace(_table(title, "", shown, apart, are_cuts), reason=reason))
    return tables


def _in_order(lines: Sequence[Line], chosen: Sequence[Line]) -> list[Line]:
    wanted = {id(line) for line in chosen}
    return [line for line in lines if id(line) in wanted]


def _basis(line: Line, shown: Sequence[Column], repeated: Iterable[str], are_cuts: bool) -> _Basis:
    basis = _Basis()
    images = described_images if are_cuts else test_images
    for place, (column, cell) in enumerate(zip(shown, line.cells, strict=True)):
        if cell.runs:
            basis.rules[place] = rule(cell.runs[0].facts, column)
            basis.images[place] = {repeat_of(run, repeated): images(run) for run in cell.runs}
    return basis


def _why_apart(basis: _Basis, first: _Basis) -> list[str]:
    """Why the numbers of one must not stand below the other's; empty if they may."""
    reasons: dict[str, None] = {}
    for place in basis.rules.keys() & first.rules.keys():
        ours, theirs = basis.rules[place], first.rules[place]
        if ours.key != theirs.key:
            reasons[_other_rule(ours, theirs)] = None
        if not basis.shares_images(first, place):
            reasons[_other_images(basis.images[place], first.images[place])] = None
    return list(reasons)


def _other_rule(ours: Rule, theirs: Rule) -> str:
    if ours.words == theirs.words:
        return f"another protocol: {ours.key} instead of {theirs.key}"
    if ours.words.startswith("classified"):
        return f"{ours.words} instead of {theirs.words.rpartition(' ')[2]}"
    return f"another protocol: {ours.words} instead of {theirs.words}"


def _other_images(ours: Mapping[Point, str], theirs: Mapping[Point, str]) -> str:
    both = ours.keys() & theirs.keys()
    pairs = [(ours[repeat], theirs[repeat]) for repeat in both] or list(
        zip(ours.values(), theirs.values(), strict=False)
    )
    one, other = next(pair for pair in pairs if pair[0] != pair[1])
    return f"other images: {one} instead of {other}"


def _table(
    title: str, note: str, shown: Sequence[Column], lines: Sequence[Line], are_cuts: bool
) -> Table:
    by_column = _runs_by_column(lines, len(shown))
    runs = list({id(run): run for runs in by_column for run in runs}.values())
    # Floors depend on how pictures are cut: those of the first line that has any.
    measured = [line for line in lines if any(cell.runs for cell in line.cells)]
    with_floors = _runs_by_column(measured[:1], len(shown)) if are_cuts else by_column
    if are_cuts and measured:
        note = f"{note} Floors are those of {measured[0].title}.".strip()
    tested = [run for runs in with_floors for run in runs]
    floors = {name: _floor(tested, Column("", "loc_gt_known"), name) for name in SHOWN_FLOORS}
    return Table(
        title=title,
        columns=tuple(
            with_protocol(column, runs[0].facts) if runs else column
            for column, runs in zip(shown, by_column, strict=True)
        ),
        lines=tuple(lines),
        note=" ".join(filter(None, [note, *_remarks(lines, runs)])),
        evaluated_on=_evaluated_on(shown, by_column),
        floors={name: value for name, value in floors.items() if value is not None},
        floor_lines=_floor_lines(shown, with_floors),
    )


def _runs_by_column(lines: Sequence[Line], columns: int) -> list[list[RunRecord]]:
    return [[run for line in lines for run in line.cells[n].runs] for n in range(columns)]


def _evaluated_on(shown: Sequence[Column], by_column: Sequence[Sequence[RunRecord]]) -> str:
    """The images in words, column by column where they differ."""
    images = [
        " and ".join(dict.fromkeys(run.facts["data"]["evaluated_on"] for run in runs))
        for runs in by_column
    ]
    different = dict.fromkeys(filter(None, images))
    if len(different) < 2:
        return "".join(different)
    return "; ".join(
        f"{column.title}: {words}" for column, words in zip(shown, images, strict=True) if words
    )


def _floor_lines(
    shown: Sequence[Column], by_column: Sequence[Sequence[RunRecord]]
) -> tuple[tuple[str, tuple[float | None, ...]], ...]:
    lines = []
    for name, title in _FLOOR_TITLES.items():
        cells = tuple(
            _floor(runs, column, name) for column, runs in zip(shown, by_column, strict=True)
        )
        if any(cell is not None for cell in cells):
            lines.append((title, cells))
    return tuple(lines)


def _floor(runs: Sequence[RunRecord], column: Column, name: str) -> float | None:
    """A floor's mean over the sets of images that runs were tested on."""
    found = {test_images(run): floor(run.facts, column, name) for run in runs}
    known = [value for value in found.values() if value is not None]
    return sum(known) / len(known) if known else None


def _remarks(lines: Sequence[Line], runs: Sequence[RunRecord]) -> list[str]:
    """What the runs say of their data, and what differs between them though it may matter."""
    said = dict.fromkeys(note for run in runs for note in run.facts["data"].get("notes", ()))
    remarks = [f"{note[:1].upper()}{note[1:].removesuffix('.')}." for note in said]
    for line in lines:
        finished = {id(run): run for cell in line.cells for run in cell.runs}.values()
        lengths = dict.fromkeys(_length(run) for run in finished)
        if len(lengths) > 1:
            remarks.append(f"{line.title}: trained for {' and '.join(lengths)}.")
    made_with = dict.fromkeys(run.versions for run in runs)
    if len(made_with) > 1:
        remarks.append(f"Made with different versions: {'; '.join(made_with)}.")
    return remarks


def _length(run: RunRecord) -> str:
    trained = run.facts.get("trained", {})
    return f"{trained.get('epochs')} epochs ({trained.get('steps')} steps)"
