"""Names that people gave to objects, brought together where they mean the same."""

import re
from collections.abc import Iterable, Mapping, Sequence


def plain_name(name: str, ignored: Sequence[str] = ()) -> str:
    """A name in lower case with single spaces, without ignored words.

    A name of nothing but ignored words keeps them.

    Example:
        >>> plain_name("Wall_  occluded", ["occluded", "crop"])
        'wall'
        >>> plain_name("crop", ["occluded", "crop"])
        'crop'
    """
    words = re.findall(r"[^\s_,;:()]+", name.lower())
    kept = [word for word in words if word not in ignored]
    return " ".join(kept or words)


def joined_plurals(names: Iterable[str]) -> Mapping[str, str]:
    """Plurals by `s` or `es` whose singular is among the names, too, and that singular.

    Example:
        >>> joined_plurals(["chair", "chairs", "glass", "bench", "benches", "flowers"])
        {'benches': 'bench', 'chairs': 'chair'}
    """
    there = set(names)
    found = {}
    for name in sorted(there):
        for ending in ("s", "es"):
            if name.endswith(ending) and name.removesuffix(ending) in there:
                found[name] = name.removesuffix(ending)
                break
    return found
