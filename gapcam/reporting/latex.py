"""Tables as LaTeX, with the rules of booktabs."""

from collections.abc import Mapping, Sequence

from gapcam.reporting.table import Table
from gapcam.reporting.text_tables import LEGEND, direction, grid

_ESCAPED: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "[": "{[}",  # after a line's end it would begin an option
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{HORIZONTAL ELLIPSIS}": r"\dots{}",
    "\N{EN DASH}": "--",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def latex(tables: Sequence[Table]) -> str:
    """Tables for a document that loads the package booktabs."""
    return "% \\usepackage{booktabs}\n\n" + "\n\n".join(map(_latex_table, tables)) + "\n"


def _latex_table(table: Table) -> str:
    titles, *lines = grid(table)
    apart = f" ({table.reason})" if table.reason else ""
    caption = f"{table.title}{apart}. {direction(table)} {LEGEND}"
    body = [[_tex(text) for text in line] for line in lines]
    floors = len(table.floor_lines)
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_tex(caption)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(titles) - 2)}l}}",
            r"\toprule",
            f"{' & '.join(map(_tex, titles))} \\\\",
            r"\midrule",
            *(f"{' & '.join(line)} \\\\" for line in body[: len(body) - floors]),
            *([r"\midrule"] if floors else []),
            *(f"{' & '.join(line)} \\\\" for line in body[len(body) - floors :]),
            r"\bottomrule",
            r"\end{tabular}",
            *dict.fromkeys(
                f"% protocol {column.protocol_id}: {column.rule}"
                for column in table.columns
                if column.protocol_id
            ),
            r"\end{table}",
        ]
    )


def _tex(text: str) -> str:
    return "".join(_ESCAPED.get(letter, letter) for letter in text)
