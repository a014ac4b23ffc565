"""What came out, in sentences: computed from the numbers, and no more than they carry."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gapcam.reporting.chance import Compared, is_better
from gapcam.reporting.lines import QUOTED
from gapcam.reporting.map_size import what_finer_maps_do, why
from gapcam.reporting.series import Series, has_columns_of_runs, sweeps_of_maps, table_series
from gapcam.reporting.table import Table, as_error
from gapcam.reporting.wording import by_error, says
from gapcam.score_table import WITHOUT_MAPS

if TYPE_CHECKING:
    from gapcam.reporting.page import PairedDifferences

HOW_SURE = (
    "“Better” and “worse” stand here only where mean ± two standard deviations over the repeats "
    "do not overlap, nor the 95 % intervals over the test pictures; otherwise a difference may be "
    "chance."
)
_LOCALIZATION = (
    "loc_gt_known",
    "loc_top1",
    "max_box_acc_v2",
    "max_box_acc",
    "loc_top5",
    "pixel_ap",
    "box_recall",
)
_CLASSIFICATION = WITHOUT_MAPS


def conclusions(table: Table, paired: "Sequence[PairedDifferences]" = ()) -> list[str]:
    """Sentences, the most important first.

    Args:
        table: whose lines are compared.
        paired: of the same recipe; only those of the column that is compared are used.
    """
    measured = table_series(table)
    if not measured:
        has_paper = any(cell.paper is not None for line in table.lines for cell in line.cells)
        more = ": it shows the paper's numbers alone" if has_paper else ""
        return [f"No run of this table is finished yet{more}."]
    said = []
    for names in (_LOCALIZATION, _CLASSIFICATION):
        compared = _column(table, names, paired)
        if compared is not None:
            sweeps = sweeps_of_maps(table)
            of_maps = [what_finer_maps_do(sweep, compared) for sweep in sweeps]
            is_one_sweep = len(sweeps) == 1 and len(measured) == len(sweeps[0])
            if not is_one_sweep:
                said.append(_best(measured, compared))
            if is_one_sweep or names is _LOCALIZATION:
                said += [sentence for sentence in of_maps if sentence]
            if names is _LOCALIZATION:
                # Of several networks the one that localizes best says why.
                best = by_error(measured, compared)[0]
                said += [
                    reason for sweep in sweeps if best in sweep for reason in why(sweep, compared)
                ]
                said += _floor(table, measured, compared)
    return said + _against_paper(table) + _missing(table)


def _column(
    table: Table, names: Sequence[str], paired: "Sequence[PairedDifferences]"
) -> Compared | None:
    """The column that the sentences are about; the first protocol's comes first."""
    if has_columns_of_runs(table):
        return None
    for name in names:
        for place, column in enumerate(table.columns):
            if column.name.rpartition("/")[2] == name and any(
                line.cells[place].values for line in table.lines
            ):
                titles = {line.title for line in table.lines}
                same = [p for p in paired if p.column == column and titles >= set(p.lines)]
                return Compared(column, place, same[0] if same else None)
    return None


def _best(measured: Sequence[Series], compared: Compared) -> str:
    best, *others = by_error(measured, compared)
    sentence = f"{best.title[:1].upper()}{best.title[1:]} {says(best, compared)}"
    if not others:
        return sentence + "."
    worse = [one for one in others if is_better(best.line, one.line, compared)]
    alike = [one for one in others if one not in worse]
    if not worse:
        return f"{sentence}; none of the other lines is surely worse."
    rest = f"; no sure difference to {_named(alike)}" if alike else ""
    # The paper's own lines are no runs: they were never compared.
    them = "all other lines that were run" if not alike and len(worse) > 1 else _named(worse)
    return f"{sentence}: better than {them}{rest}."


def _named(lines: Sequence[Series], most: int = 4) -> str:
    names = [one.title for one in lines[:most]]
    more = [f"{len(lines) - most} more"] if len(lines) > most else []
    return " and ".join(filter(None, [", ".join([*names, *more][:-1]), [*names, *more][-1]]))


def _floor(table: Table, measured: Sequence[Series], compared: Compared) -> list[str]:
    if not table.floors or compared.column.name != "loc_gt_known":
        return []
    floor = min(table.floors.values())
    means = (one.line.cells[compared.place].mean for one in measured)
    errors = [as_error(compared.column, mean) for mean in means if mean is not None]
    above = sum(error < floor for error in errors)
    how_many = {0: "no line is", len(errors): "all lines are"}.get(
        above, f"{above} of {len(errors)} lines are"
    )
    title = compared.column.protocol_title
    under = f" (protocol {title})" if title else ""  # others may say otherwise
    if len(errors) == 1:
        how_many = "the line is" if above else "the line is not"
    return [
        f"A box at the same place in every picture finds up to {100 - floor:.1f} %, the "
        f"class being given: {how_many} above that{under}."
    ]


def _against_paper(table: Table) -> list[str]:
    differences = [
        c.difference for line in table.lines for c in line.cells if c.difference is not None
    ]
    if not differences:
        return []
    low, high = min(differences), max(differences)
    if len(differences) == 1:
        return [f"Where the paper has a number, ours differs from it by {low:+.1f} points."]
    return [
        f"At {len(differences)} places the paper has a number, too: ours minus the paper's lies "
        f"between {low:+.1f} and {high:+.1f} points."
    ]


def _missing(table: Table) -> list[str]:
    missing = [line for line in table.lines if line.state not in ("", QUOTED)]
    if not missing:
        return []
    return [f"{len(missing)} of {len(table.lines)} lines are not complete; each says why."]
