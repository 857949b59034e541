"""Multi-criteria, against its naive twin and one criterion at a time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.strategies import multi_criteria
from tests.strategies.herd_oracle import units
from tests.strategies.modelled import (
    Modelled,
    check_edges,
    margins,
    modelled,
    rows_in_hash_order,
)

NAMES = ("uncertainty", "diversity", "representativeness", "cost")


def ranks(values: np.ndarray) -> np.ndarray:
    rounded = np.round(values, 5)
    return np.array([(rounded < x).mean() + (rounded == x).mean() / 2 for x in rounded])


def naive(pool: Modelled, weights: np.ndarray, count: int) -> list[int]:
    rows = rows_in_hash_order(pool)
    points = pool.points[rows].astype(np.float64)
    costs = np.ones(len(rows)) if pool.costs is None else pool.costs[rows]
    fixed = [
        ranks(margins(pool, rows)),
        ranks(units(points) @ units(points).mean(axis=0)),
        ranks(-costs),
    ]
    chosen = list(pool.anchors)
    picked: list[int] = []
    while len(picked) < min(count, len(rows)):
        apart = np.zeros(len(rows))
        if chosen:
            apart = np.linalg.norm(points[:, None] - np.array(chosen)[None], axis=2).min(axis=1)
        table = np.array([fixed[0], ranks(apart), fixed[1], fixed[2]])
        score = weights @ table / weights.sum()
        score[picked] = -1
        best = int(np.argmax(np.round(score, 9)))
        picked.append(best)
        chosen.append(points[best])
    return [rows[row] for row in picked]


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 6))
@settings(max_examples=40)
def test_each_pick_has_the_greatest_weighted_mean_of_ranks(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 5, 4) + rng.random(4)  # hardly any ties
    pool = replace(
        modelled(seed, 15, labels=seed % 3, leased=1),
        parameters={f"w_{name}": float(w) for name, w in zip(NAMES, weights, strict=True)},
        costs=rng.integers(1, 4, 15).astype(np.float32),
    )
    chosen = multi_criteria.select(pool.view(), count)
    assert pool.where(chosen) == naive(pool, weights, count)


def only(name: str, pool: Modelled) -> Modelled:
    return replace(pool, parameters={f"w_{n}": float(n == name) for n in NAMES})


def test_uncertainty_alone_is_the_score() -> None:
    pool = only("uncertainty", modelled(3, excluded=0))
    best = np.argsort(-margins(pool, range(30)))[:5]
    assert pool.where(multi_criteria.select(pool.view(), 5)) == best.tolist()


def test_cost_alone_takes_the_cheapest() -> None:
    costs = np.random.default_rng(0).permutation(30).astype(np.float32) + 1
    pool = only("cost", replace(modelled(3, excluded=0), costs=costs))
    rows = pool.where(multi_criteria.select(pool.view(), 5))
    assert costs[rows].tolist() == [1, 2, 3, 4, 5]


def test_diversity_alone_is_farthest_first() -> None:
    pool = only("diversity", modelled(3, excluded=0))
    chosen = list(pool.anchors)
    for row in pool.where(multi_criteria.select(pool.view(), 5)):
        apart = np.linalg.norm(pool.points[:, None] - np.array(chosen)[None], axis=2).min(axis=1)
        assert apart[row] == pytest.approx(apart.max(), rel=1e-5)
        chosen.append(pool.points[row])


def test_the_parts_make_the_score() -> None:
    chosen = multi_criteria.select(modelled(3).view(), 5)
    assert set(chosen.components) == set(NAMES)
    three = [chosen.components[name] for name in NAMES[:3]]
    np.testing.assert_allclose(np.mean(three, axis=0), chosen.score, rtol=1e-5)


def test_awkward_pools() -> None:
    check_edges(multi_criteria.select)
