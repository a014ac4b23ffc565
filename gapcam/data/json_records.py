"""Lists of records in JSON files, as COCO and VQA publish them."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gapcam.data.tree import Tree
from gapcam.errors import UserError

Fields = Mapping[str, type]


def read_records(
    tree: Tree,
    where: str,
    lists: Mapping[str, Fields],
    shorten: Callable[[dict[str, Any]], Any] | None = None,
) -> list[list[tuple[Any, ...]]]:
    """Read the lists of a file, each record as a tuple of the fields that are asked for.

    Records without these fields become faults.

    Args:
        tree: the data set.
        where: the file, an object with lists of records.
        lists: name of each list, and its fields with their types.
        shorten: called for every object of the file, innermost first; what it returns takes the
            place of the object, so that a large file does not fill the memory.

    Raises:
        UserError: if the file is missing, no JSON, or has no such list.
    """
    path = tree.root / where
    try:
        data = json.loads(tree.text(where), object_hook=shorten)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path} is broken JSON at line {error.lineno}: {error.msg}. Unpack this file again."
        ) from error
    for name in lists:
        if not isinstance(data, dict) or not isinstance(data.get(name), list):
            raise UserError(
                f"{path}: expected an object with the lists {', '.join(lists)}; {name} is missing. "
                "Is it the file of another data set?"
            )
    return [list(_records(tree, where, name, data.pop(name), lists[name])) for name in lists]


def _records(
    tree: Tree, where: str, name: str, records: list[Any], fields: Fields
) -> Iterator[tuple[Any, ...]]:
    for number, record in enumerate(records, start=1):
        is_object = isinstance(record, dict)
        values = tuple(record.get(field) if is_object else None for field in fields)
        if all(map(isinstance, values, fields.values())):
            yield values
        else:
            expected = ", ".join(f"{field} ({type_.__name__})" for field, type_ in fields.items())
            tree.fault(
                "broken annotation",
                where,
                f"record {number} of {name}: expected {expected}; got {str(record)[:80]}.",
            )
