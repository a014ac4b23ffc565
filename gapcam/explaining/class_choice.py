"""Classes by the names that people give them."""

from collections.abc import Sequence
from difflib import get_close_matches

from gapcam.errors import UserError


def choose_classes(wanted: Sequence[str | int], class_names: Sequence[str]) -> list[int]:
    """Find classes by name or number.

    Capitals do not matter, nor whether words are parted by blanks, underlines or hyphens.

    Args:
        wanted: names, or numbers from 0 on.
        class_names: of the network, in its order.

    Returns:
        Their numbers, in the order asked for.

    Raises:
        UserError: if nothing is wanted, there is no such class (names the nearest), or it is
            wanted twice.

    Example:
        >>> choose_classes(["King Penguin", 0], ["goldfish", "king_penguin"])
        [1, 0]
    """
    if not wanted:
        raise UserError("classes names no class: leave it out to see the best guesses")
    places: dict[str, int] = {}
    for place, name in enumerate(class_names):
        places.setdefault(_plain(name), place)
    chosen = [_find(one, places, class_names) for one in wanted]
    twice = next((c for c in chosen if chosen.count(c) > 1), None)
    if twice is not None:
        raise UserError(f"classes names {class_names[twice]!r} twice")
    return chosen


def _find(wanted: str | int, places: dict[str, int], class_names: Sequence[str]) -> int:
    if isinstance(wanted, str) and _plain(wanted) in places:
        return places[_plain(wanted)]
    number = int(wanted) if str(wanted).strip().isdecimal() else None
    if number is not None and number < len(class_names):
        return number
    alike = get_close_matches(_plain(str(wanted)), places, n=5, cutoff=0.5)
    inside = [name for name in places if _plain(str(wanted)) in name][:5]
    nearest = [class_names[places[name]] for name in dict.fromkeys([*inside, *alike])]
    # Few enough to list them all.
    known = nearest or list(class_names[:20])
    said = "Nearest" if nearest else "Its classes" if len(class_names) <= 20 else "Some of them"
    raise UserError(
        f"The network has no class {str(wanted)!r} among its {len(class_names):,}. {said}: "
        f"{', '.join(known)}"
    )


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())
