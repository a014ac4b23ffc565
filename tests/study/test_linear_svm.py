"""The linear machine against scikit-learn's own predictions."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from gapcam.study import linear_svm
from gapcam.study.linear_svm import LinearSVM, fit_svm, kept_svm
from gapcam.study.steps import Steps


def clouds(classes: int, each: int = 20, units: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Points around a centre for each class, some of them nearer to another's."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), each)
    centres = random.normal(size=(classes, units))
    features = centres[labels] + random.normal(size=(len(labels), units))
    return features.astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("c", [0.01, 1.0])
def test_it_says_what_scikit_learn_says(classes: int, c: float) -> None:
    features, labels = clouds(classes)
    machine = fit_svm(features, labels, c, seed=0)
    reference = LinearSVC(C=c, random_state=0, max_iter=10_000, dual="auto")
    reference.fit(features.astype(np.float64), labels)
    expected = reference.decision_function(features)
    found = machine.decide(features)
    assert found.shape == (len(labels), classes)
    np.testing.assert_array_equal(found.argmax(1), reference.predict(features))
    np.testing.assert_allclose(found if classes > 2 else found[:, 1], expected, atol=1e-5)
    if classes == 2:
        np.testing.assert_array_equal(found[:, 0], -found[:, 1])
    assert machine.converged
    assert 0 < (found.argmax(1) == labels).mean() < 1


def test_c_and_seed() -> None:
    features, labels = clouds(4)
    machine = fit_svm(features, labels, 1.0, seed=0)
    np.testing.assert_array_equal(machine.weight, fit_svm(features, labels, 1.0, seed=0).weight)
    soft = fit_svm(features, labels, 0.001, seed=0)
    assert np.linalg.norm(soft.weight) < np.linalg.norm(machine.weight) / 2


def test_a_solver_that_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clouds(3, each=200)
    monkeypatch.setattr(linear_svm, "MOST_ITERATIONS", 1)
    assert not fit_svm(features * 1000, labels, 1000.0, seed=0).converged


def test_it_can_be_kept() -> None:
    features, labels = clouds(3)
    machine = fit_svm(features, labels, 1.0, seed=0)
    again = LinearSVM.of_arrays(machine.as_arrays())
    np.testing.assert_array_equal(again.decide(features), machine.decide(features))
    assert again.converged is True


def test_it_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, (features, labels) = Steps(tmp_path), clouds(3)
    first = kept_svm(steps, "svm", features, labels, 1.0, 0)
    np.testing.assert_array_equal(first.weight, fit_svm(features, labels, 1.0, 0).weight)
    calls = []

    def counting(*args: object) -> LinearSVM:
        calls.append(args)
        return first

    monkeypatch.setattr(linear_svm, "fit_svm", counting)
    again = kept_svm(steps, "svm", features, labels, 1.0, 0)
    np.testing.assert_array_equal(again.weight, first.weight)
    assert not calls
    others = ((features + 1, labels, 1.0, 0), (features, labels[::-1], 1.0, 0))
    for other in (*others, (features, labels, 2.0, 0), (features, labels, 1.0, 1)):
        kept_svm(steps, "svm", *other)
    assert len(calls) == 4
