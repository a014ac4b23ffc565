from typing import Any

import pytest

from gapcam.errors import UserError
from gapcam.view_choice import settle_views


@pytest.mark.parametrize(
    ("data", "views", "settled", "made"),
    [
        ({"view": "whole"}, {"paper": None}, {"paper": "whole"}, "whole"),
        ({"view": "centre"}, {"paper": None}, {"paper": "centre"}, "centre"),
        ({"view": "whole"}, {"released": "ten"}, {"released": "ten"}, "ten"),
        ({"view": "whole"}, {"a": None, "b": "ten"}, {"a": "whole", "b": "ten"}, ["whole", "ten"]),
        ({"view": "whole"}, {"b": "ten", "a": None}, {"b": "ten", "a": "whole"}, ["ten", "whole"]),
        ({}, {"paper": None, "exact": "whole"}, {"paper": "whole", "exact": "whole"}, None),
    ],
)
def test_every_view_is_made_once(
    data: dict[str, Any], views: dict[str, Any], settled: dict[str, str], made: Any
) -> None:
    config = {"data": dict(data), "protocol": {name: {"view": v} for name, v in views.items()}}
    settle_views(config)
    assert {name: node["view"] for name, node in config["protocol"].items()} == settled
    assert config["data"].get("view") == made


@pytest.mark.parametrize(
    ("data", "protocol", "message"),
    [
        ({}, {}, "protocol must be one or more of the options, as in protocol="),
        ({}, {"threshold": 0.2}, "protocol must be one or more of the options"),
        ({}, {"released": {"view": "ten"}}, "protocol.released looks at ten views, and this data"),
    ],
)
def test_what_cannot_be_is_refused(
    data: dict[str, Any], protocol: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        settle_views({"data": data, "protocol": protocol})
