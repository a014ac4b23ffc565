"""Which views of each picture the protocols need. No torch is needed to answer."""

from typing import Any

from gapcam.errors import UserError


def settle_views(config: dict[str, Any]) -> None:
    """Settle in a plain configuration what each protocol looks at, and what the data must give.

    A protocol without a view of its own takes that of `data.view`. All views of all protocols are
    made in one pass over the data.

    Raises:
        UserError: if there is no protocol, or the data set cannot give a view.
    """
    protocols, data = config.get("protocol"), config["data"]
    if not protocols or not all(isinstance(node, dict) for node in protocols.values()):
        raise UserError(
            f"protocol must be one or more of the options, as in protocol=[paper,exact]; got "
            f"{protocols!r}"
        )
    for node in protocols.values():
        node["view"] = node.get("view") or data.get("view", "whole")
    wanted = list(dict.fromkeys(node["view"] for node in protocols.values()))
    if "view" in data:
        data["view"] = wanted[0] if len(wanted) == 1 else wanted
    elif wanted != ["whole"]:
        asking = next(name for name, node in protocols.items() if node["view"] != "whole")
        raise UserError(
            f"protocol.{asking} looks at {protocols[asking]['view']} views, and this data set has "
            f"whole pictures only. Give protocol.{asking}.view=whole, or another data=..."
        )
