import pytest
from support import compose_config

from gapcam.build import build_protocols
from gapcam.config_dir import CONFIG_DIR
from gapcam.protocol import PUBLISHED, named


def test_the_options_of_the_configuration_are_the_published_protocols() -> None:
    options = {path.stem for path in (CONFIG_DIR / "protocol").glob("*.yaml")}
    assert options == set(PUBLISHED)
    for option in options:
        assert build_protocols(compose_config(f"protocol={option}").protocol) == {
            option: PUBLISHED[option]
        }


def test_several_options_at_once() -> None:
    config = compose_config("protocol=[exact,paper]", "protocol.paper.threshold=0.3")
    protocols = build_protocols(config.protocol)
    assert list(protocols) == ["exact", "paper"]
    assert protocols["paper"] == PUBLISHED["paper"].at(0.3)


def test_named() -> None:
    assert named("paper") is PUBLISHED["paper"]
    assert named(PUBLISHED["exact"]) is PUBLISHED["exact"]
    with pytest.raises(ValueError, match="paper, released, wsolevaluation, exact; got 'papr'"):
        named("papr")
