"""Captioned pictures are sorted by a phrase."""

import numpy as np
import pytest
from concepts_studies import Made, made_concepts

from gapcam.data.phrases import has_phrase, has_word
from gapcam.study.concepts.captioned import Captioned, part_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_concepts(tmp_path_factory.mktemp("concepts"))


@pytest.mark.parametrize(
    ("phrase", "pool"), [("zebra", None), ("lamp on table", None), ("lamp on table", 50)]
)
def test_pictures_are_sorted_by_their_captions(made: Made, phrase: str, pool: int | None) -> None:
    data = made.bench.data.train
    found = Captioned(data, pool, ["the", "a"]).sort(phrase)
    texts = [data.index.text(row) for row in range(len(data))]
    said = [has_phrase(phrase, ["a", "the"]).search(text) is not None for text in texts]
    some = [has_word(phrase).search(text) is not None for text in texts]
    assert found.said.tolist() == np.flatnonzero(said).tolist()
    unsaid = [row for row in range(len(data)) if not said[row] and not some[row]]
    between = [row for row in range(len(data)) if not said[row] and some[row]]
    if pool is None:
        assert found.unsaid.tolist() == unsaid
        assert found.between.tolist() == between
    else:
        drawn = {*found.unsaid.tolist(), *found.between.tolist()}
        assert set(found.unsaid.tolist()) == drawn & set(unsaid)
        assert pool - sum(said) <= len(drawn) < pool
    part = part_of(data, found.unsaid)
    assert [part.name(row) for row in range(len(part))] == [data.name(row) for row in found.unsaid]
    assert part.stamp(0) == data.stamp(int(found.unsaid[0]))
