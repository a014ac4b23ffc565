"""Classes that a setting names."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from gapcam.errors import UserError

MOST = 20
"""Classes that are taken without being named."""


def asked_classes(asked: Any, class_names: Sequence[str]) -> list[int]:
    """Labels of classes, in the order asked for.

    Args:
        asked: names, in capitals or not, or one of them; a class's number where its name is
            another's, too; null for all classes.
        class_names: of the data.

    Raises:
        UserError: if there is no such class, a name is that of several, or there are too many.
    """
    if asked is None:
        if len(class_names) > MOST:
            raise UserError(
                f"The data have {len(class_names):,} classes: name those to be looked at, such as "
                f'study.classes="[{class_names[0]},{class_names[1]}]"'
            )
        return list(range(len(class_names)))
    names = asked if isinstance(asked, Sequence) and not isinstance(asked, str) else [asked]
    labels = [_label(name, class_names) for name in names]
    if not labels or len(set(labels)) < len(labels):
        raise UserError(f"study.classes must name classes, each once; got {asked!r}")
    return labels


def _label(name: Any, class_names: Sequence[str]) -> int:
    wanted = str(name).casefold()
    same = [label for label, known in enumerate(class_names) if known == str(name)]
    found = same or [k for k, known in enumerate(class_names) if known.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise UserError(
            f"study.classes: {len(found)} classes are called {name}; give the number of one of "
            f"them instead: {' or '.join(map(str, found))}"
        )
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(class_names):
        return name
    folded = {known.casefold(): known for known in class_names}
    alike = [folded[one] for one in get_close_matches(wanted, folded, n=3)]
    hint = f"Did you mean {' or '.join(alike)}?" if alike else f"There are {_some(class_names)}."
    raise UserError(f"study.classes: the data have no class {name!r}. {hint}")


def _some(class_names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(class_names) - most:,} more" if len(class_names) > most else ""
    return ", ".join(class_names[:most]) + more
