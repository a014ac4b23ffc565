from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from gapcam.data.digits import INK, SOURCE_SHARES, Digits
from gapcam.errors import UserError


def digits(**changes: Any) -> Digits:
    settings = {"counts": [20, 5, 5], "batch_size": 4, "eval_batch_size": 4, "num_workers": 0}
    data = Digits(**{**settings, "seed": 0, **changes})
    data.setup()
    return data


def test_is_deterministic_by_seed() -> None:
    first, again, other = digits(), digits(), digits(seed=1)
    assert first.fingerprint() == again.fingerprint()
    assert (first.train.canvases == again.train.canvases).all()
    assert first.fingerprint() != other.fingerprint()


def test_canvases_are_seen_whole() -> None:
    with pytest.raises(UserError, match=r"data.view=ten cuts crops .*: give data.resize"):
        digits(view="ten")


def test_box_is_tight_around_the_whole_digit() -> None:
    """Without fragments nothing but the digit is on the canvas."""
    data = digits(fragments=0)
    for index in range(20):
        rows, columns = np.nonzero(np.asarray(data.train.picture(index))[..., 0] >= INK)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert data.train.true_boxes(index, (64, 64)).tolist() == [box]


def test_fragments_do_not_touch_the_digit() -> None:
    clean = digits(fragments=0, counts=[1, 1, 1]).train
    cluttered = digits(counts=[1, 1, 1]).train
    x0, y0, x1, y1 = cluttered.true_boxes(0, (64, 64))[0].int().tolist()
    inside = np.asarray(cluttered.picture(0))[y0:y1, x0:x1, 0]
    assert inside.max() >= INK
    assert (np.asarray(cluttered.picture(0)) > INK).sum() > (
        np.asarray(clean.picture(0)) > INK
    ).sum()


def test_splits_draw_from_disjoint_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[NDArray[np.uint8]] = []
    original = Digits._draw

    def record(self: Digits, random: Any, digits: Any, labels: Any) -> Any:
        drawn.append(digits)
        return original(self, random, digits, labels)

    monkeypatch.setattr(Digits, "_draw", record)
    digits(counts=[1, 1, 1])
    assert tuple(len(part) for part in drawn) == SOURCE_SHARES
    everything = np.sort(load_digits().images.reshape(1797, -1).sum(1))
    together = np.sort(np.concatenate(drawn).reshape(1797, -1).astype(float).sum(1))
    # Each of the 1,797 source digits is in exactly one part.
    assert np.corrcoef(everything, together)[0, 1] > 0.9999
    assert len(everything) == sum(SOURCE_SHARES)


def test_sample_carries_everything() -> None:
    sample = digits().val[3]
    assert sample.image.shape == (3, 64, 64)
    assert sample.size == (64, 64)
    assert sample.index == 3
    assert 0 <= sample.label <= 9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counts": [0, 1, 1]}, r"data.counts must be three positive numbers.*got \[0, 1, 1\]"),
        ({"counts": [5, 5]}, "data.counts must be three positive numbers, for train, val, test"),
        ({"digit_sizes": [30, 70]}, r"data.digit_sizes.*data.canvas \(64\); got \[30, 70\]"),
        ({"batch_size": 0}, "data.batch_size must be a whole number, at least 1; got 0"),
    ],
)
def test_impossible_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        digits(**changes)
