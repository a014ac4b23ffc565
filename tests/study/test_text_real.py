"""The text detector on real pictures with real weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from benches import bench
from plain_text import slow_heat, slow_svm, slow_truth
from planted_text import make_written
from sklearn.metrics import average_precision_score
from text_studies import column, do


@pytest.mark.slow
def test_street_pictures_with_real_weights(real_data: Path, tmp_path: Path) -> None:
    """Ten pictures do not teach what text looks like, but numbers are those of a plain script."""
    found = bench(
        tmp_path,
        *("study=text", "data=svt", f"data.root={real_data / 'svt1'}", "data.negatives_count=30"),
        *(f"data.negatives={real_data / 'scene15' / 'test'}", "arch=squeezenet_gap"),
        f"arch.weights={real_data / 'squeezenet_dc' / 'squeezenet_dc.npz'}",
    )
    outcome = do(found)
    svm = slow_svm(found)
    truths, heats = [], []
    for name, boxes in slow_truth(real_data / "svt1" / "test.xml").items():
        mask = np.zeros((720, 1280), bool)
        for left, top, width, height in ((int(side) for side in box) for box in boxes):
            mask[top : top + height, left : left + width] = True
        rows, columns = (np.arange(227) * side // 227 for side in mask.shape)
        truths.append(mask[rows][:, columns].ravel())
        heats.append(np.floor(slow_heat(found, name, svm.coef_[0]).ravel() * 1000))
    expected = average_precision_score(np.concatenate(truths), np.concatenate(heats))
    assert outcome.metrics["pixel_ap"] == pytest.approx(expected, abs=1e-4)
    assert column(outcome.rows, "label").count("text") == 6
    assert len(outcome.tables["words"].rows) == sum(column(outcome.rows, "words"))
    decisions = column(outcome.rows, "score")
    split = found.data.test
    with torch.no_grad():
        features = found.network(split[0].image[None]).features.mean((2, 3)).double().numpy()
    assert decisions[0] == pytest.approx(svm.decision_function(features)[0], abs=1e-3)


@pytest.mark.slow
def test_real_features_find_words_written_on_scenes(real_data: Path, tmp_path: Path) -> None:
    root = make_written(tmp_path / "text", real_data / "scene15" / "test", positives=60)
    weights = real_data / "squeezenet_dc" / "squeezenet_dc.npz"
    found = bench(
        tmp_path,
        *("study=text", "arch=squeezenet_gap", f"arch.weights={weights}", "data=svt"),
        *(f"data.root={root / 'svt'}", f"data.negatives={root / 'negatives'}"),
    )
    outcome = do(found)
    assert outcome.metrics["pixel_ap_gain"] > 0.1
    assert outcome.intervals["box_recall_gain"][0] > 0
