"""Linear classifiers on deep features: a support vector machine, one class against the rest."""

import hashlib
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from gapcam.study.steps import Arrays, Steps

MOST_ITERATIONS = 10_000


@dataclass(frozen=True)
class LinearSVM:
    """A trained machine for C classes.

    `weight` `(C, K)` and `bias` `(C,)`, float32, give the decision values `features @ weight.T +
    bias`: they stand in the place of a network's classifier, so they draw its activation maps. Two
    classes have the same machine with opposite signs. `converged` says whether the solver came to
    its end.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    converged: bool

    def decide(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Decision values `(N, C)` of features `(N, K)`."""
        values: NDArray[np.float32] = features.astype(np.float32) @ self.weight.T + self.bias
        return values

    def as_arrays(self) -> Arrays:
        """For `Steps` to keep."""
        return {"weight": self.weight, "bias": self.bias, "converged": np.array(self.converged)}

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> "LinearSVM":
        """The inverse of `as_arrays`."""
        return cls(arrays["weight"], arrays["bias"], bool(arrays["converged"]))


def kept_svm(
    steps: Steps,
    name: str,
    features: NDArray[np.floating],
    labels: NDArray[np.integer],
    c: float,
    seed: int,
) -> LinearSVM:
    """Train a machine as `fit_svm` does, or take the one of the same features that was kept.

    Args:
        steps: keep it.
        name: of the step.
        features: `(N, K)`.
        labels: `(N,)`.
        c: see `fit_svm`.
        seed: see `fit_svm`.
    """
    digest = hashlib.sha256(np.ascontiguousarray(features).data)
    digest.update(np.ascontiguousarray(labels).data)
    key = {"c": c, "seed": seed, "features": digest.hexdigest()}
    return LinearSVM.of_arrays(
        steps.arrays(name, key, lambda: fit_svm(features, labels, c, seed).as_arrays())
    )


def fit_svm(
    features: NDArray[np.floating], labels: NDArray[np.integer], c: float, seed: int
) -> LinearSVM:
    """Train scikit-learn's `LinearSVC` (squared hinge loss), as it comes but for its iterations.

    Args:
        features: `(N, K)`.
        labels: `(N,)`, classes 0..C-1, each of which must be there.
        c: of the loss against the weights' norm.
        seed: of the solver's order.
    """
    # Its rounds may end early; whether they did is told, not warned of.
    solver = LinearSVC(C=c, random_state=seed, max_iter=MOST_ITERATIONS, dual="auto")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solver.fit(np.asarray(features, np.float64), labels)
    weight, bias = solver.coef_, solver.intercept_
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]), np.concatenate([-bias, bias])
    return LinearSVM(
        weight.astype(np.float32), bias.astype(np.float32), solver.n_iter_ < MOST_ITERATIONS
    )
