"""Softrank sampling, against the lottery that it stands for."""

from dataclasses import replace

import numpy as np
import pytest

from alservice.core import Ranked
from alservice.domain.pool_view import PoolView
from alservice.domain.shortlist import scored
from alservice.strategies import softrank
from tests.strategies.modelled import Modelled, check_edges, margins, modelled


def ranks(pool: Modelled, rows: list[int]) -> np.ndarray:
    """1 for the best scored of the rows, 2 for the next."""
    order = np.argsort(-margins(pool, rows), kind="stable")
    out = np.empty(len(rows))
    out[order] = np.arange(1, len(rows) + 1)
    return out


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_each_propensity_is_the_share_of_the_weights_that_are_left(beta: float) -> None:
    pool = replace(modelled(3), parameters={"beta": beta})
    chosen = softrank.select(pool.view(), 12)
    rows = np.flatnonzero(~pool.excluded).tolist()
    weights = dict(zip(rows, ranks(pool, rows) ** -beta, strict=True))
    expected = []
    for row in pool.where(chosen):
        expected.append(weights[row] / sum(weights.values()))
        del weights[row]
    np.testing.assert_allclose(chosen.components["propensity"], expected, rtol=1e-4)


def test_the_score_told_is_that_of_the_item_not_of_the_lottery() -> None:
    pool = modelled(3)
    chosen = softrank.select(pool.view(), 12)
    np.testing.assert_allclose(chosen.score, margins(pool, pool.where(chosen)), atol=1e-5)
    np.testing.assert_array_equal(chosen.components["margin"], chosen.score)


def test_a_great_beta_takes_the_best() -> None:
    pool = replace(modelled(3, 12, excluded=0), parameters={"beta": 1_000.0})
    doubt = margins(pool, range(12))
    chosen = pool.where(softrank.select(pool.view(), 4))
    assert chosen == np.argsort(-doubt)[:4].tolist()


def test_seeds_draw_differently() -> None:
    pool = modelled(3)
    batches = [softrank.select(pool.view(seed=seed), 5).row.tolist() for seed in range(9)]
    assert len({tuple(batch) for batch in batches}) > 1


def test_a_smaller_batch_is_the_beginning_of_a_larger_one() -> None:
    pool = modelled(3)
    few, many = (softrank.select(pool.view(), count) for count in (4, 9))
    assert many.row[:4].tolist() == few.row.tolist()
    np.testing.assert_array_equal(many.components["propensity"][:4], few.components["propensity"])


def test_the_scale_of_the_scores_does_not_matter() -> None:
    pool = modelled(4)
    view = replace(pool.view(), scored=_Squared(pool.view()))
    squared, plain = softrank.select(view, 10), softrank.select(pool.view(), 10)
    np.testing.assert_array_equal(squared.row, plain.row)
    np.testing.assert_array_equal(squared.components["propensity"], plain.components["propensity"])


class _Squared:
    """The margin, squared."""

    name = "margin"

    def __init__(self, view: PoolView) -> None:
        self._view = view

    def top(self, count: int) -> Ranked:
        return scored(self._view).top(count)

    def every(self) -> list[np.ndarray]:
        return [column**2 for column in scored(self._view).every()]

    def of(self, vectors: np.ndarray) -> np.ndarray:
        return scored(self._view).of(vectors) ** 2

    def worth(self, rows: Ranked, vectors: np.ndarray) -> np.ndarray:
        return scored(self._view).worth(rows, vectors) ** 2


def test_awkward_pools() -> None:
    check_edges(softrank.select)
