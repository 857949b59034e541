"""scikit-activeml's strategies as competitors of `alservice simulate`, a few lines each.

    alservice simulate reviews.npz -s margin -s bench/competitors.py:badge

Each is called with the pool, as documented in docs/simulate.md. Models are the judge's, fitted
again by scikit-activeml on the same labels.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from skactiveml import pool
from skactiveml.classifier import SklearnClassifier
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

Rows = NDArray[np.int64]
Foreign = Callable[..., Rows]


class _Kept:
    """Strategies of the game that is being played: some find their parameters once per pool."""

    def __init__(self) -> None:
        self.pool: object = None
        self.made: dict[str, Any] = {}

    def of(self, vectors: object, name: str, make: Callable[[], Any]) -> Any:
        """The strategy of that name on this pool."""
        if self.pool is not vectors:
            self.pool, self.made = vectors, {}
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]


_KEPT: Final = _Kept()


def _competitor(name: str, make: Callable[[int, int], Any], takes: str = "") -> Foreign:
    """A function that asks the strategy `make(class_count, seed)`.

    `takes` is what its `query` calls the classifier; "" if it takes none.
    """

    def ask(
        X: NDArray[np.float64],  # noqa: N803 (the field's names)
        labelled: Rows,
        y_labelled: Rows,
        batch_size: int,
        model_proba: NDArray[np.float64] | None,  # noqa: ARG001
        rng: np.random.Generator,
        model: Any,
        class_count: int,
    ) -> Rows:
        strategy = _KEPT.of(X, name, lambda: make(class_count, int(rng.integers(2**31))))
        y = np.full(len(X), np.nan)
        y[labelled] = y_labelled
        more = {}
        if takes:
            task = clone(model) if model is not None else LogisticRegression(max_iter=1000)
            more[takes] = SklearnClassifier(task, classes=np.arange(class_count), random_state=0)
        return np.asarray(strategy.query(X=X, y=y, batch_size=batch_size, **more), np.int64)

    ask.__name__ = ask.__qualname__ = name
    return ask


def _uncertainty(method: str) -> Callable[[int, int], Any]:
    return lambda _, seed: pool.UncertaintySampling(method=method, random_state=seed)


sk_random = _competitor("sk_random", lambda _, seed: pool.RandomSampling(random_state=seed))
sk_margin = _competitor("sk_margin", _uncertainty("margin_sampling"), "clf")
sk_entropy = _competitor("sk_entropy", _uncertainty("entropy"), "clf")
sk_least_confident = _competitor("sk_least_confident", _uncertainty("least_confident"), "clf")
core_set = _competitor("core_set", lambda _, seed: pool.CoreSet(random_state=seed))
typiclust = _competitor("typiclust", lambda _, seed: pool.TypiClust(random_state=seed))
prob_cover = _competitor(
    "prob_cover", lambda count, seed: pool.ProbCover(n_classes=count, random_state=seed)
)
badge = _competitor("badge", lambda _, seed: pool.Badge(random_state=seed), "clf")
drop_query = _competitor("drop_query", lambda _, seed: pool.DropQuery(random_state=seed), "clf")
falcun = _competitor("falcun", lambda _, seed: pool.Falcun(random_state=seed), "clf")
max_herding = _competitor("max_herding", lambda _, seed: pool.MaxHerding(random_state=seed))
clue = _competitor("clue", lambda _, seed: pool.Clue(random_state=seed), "estimator")


def in_order(
    X: NDArray[np.float64],  # noqa: N803
    labelled: Rows,
    y_labelled: Rows,  # noqa: ARG001
    batch_size: int,
    model_proba: object,  # noqa: ARG001
    rng: object,  # noqa: ARG001
) -> Rows:
    """The next items of the shuffled pool: the "Uniform" of protocol A, to the bit."""
    return np.setdiff1d(np.arange(len(X)), labelled)[:batch_size]


PEERS: Final = (
    "sk_margin",
    "sk_entropy",
    "sk_least_confident",
    "core_set",
    "typiclust",
    "prob_cover",
    "badge",
    "drop_query",
    "falcun",
    "max_herding",
    "clue",
)
