"""GALAXY, on lines of items whose classes end where the labels say."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.head import LinearHead
from alservice.strategies import galaxy
from tests.strategies.modelled import Modelled, check_edges, margins, modelled

SEEDS = st.integers(0, 2**32 - 1)


def line(places: list[float], labelled: dict[float, int], leased: list[float] = []) -> Modelled:  # noqa: B006
    """Items on a line; the model is the surer of class 1, the further right one is."""
    anchors = np.array([*labelled, *leased], np.float32)[:, None]
    return Modelled(
        points=np.array(places, np.float32)[:, None],
        head=LinearHead(np.array([[-0.1], [0.1]], np.float32), np.zeros(2, np.float32)),
        anchors=anchors.reshape(-1, 1),
        classes=np.array([*labelled.values(), *[-1 for _ in leased]], np.int64),
        excluded=np.zeros(len(places), np.bool_),
    )


def places(pool: Modelled, count: int) -> list[float]:
    rows = pool.where(galaxy.select(pool.view(), count))
    return [float(pool.points[row, 0]) for row in rows]


def test_it_bisects_between_labels_that_disagree() -> None:
    pool = line([1, 2, 3, 4, 5, 6, 7, -9, 9], {0: 0, 8: 1})
    assert places(pool, 1) == [4]
    # No answer yet: either half may hold the end of the class.
    assert set(places(pool, 3)) == {4, 2, 6}
    assert set(places(pool, 7)) == {1, 2, 3, 4, 5, 6, 7}


def test_an_answer_narrows_the_path() -> None:
    pool = line([1, 2, 3, 5, 6, 7], {0: 0, 4: 0, 8: 1})
    assert places(pool, 1) == [6]


def test_a_leased_item_divides_the_path_as_a_pick_does() -> None:
    pool = line([1, 2, 3, 5, 6, 7], {0: 0, 8: 1}, leased=[4])
    assert set(places(pool, 2)) == {2, 6}


def test_where_the_cut_is_found_it_asks_on_both_sides_of_it() -> None:
    pool = line([-9, -3, 2, 3, 6, 7, 12], {0: 0, 4: 0, 5: 1, 9: 1})
    assert set(places(pool, 2)) == {3, 6}
    assert set(places(pool, 4)) == {2, 3, 6, 7}
    # The model alone would ask around 0.
    assert margins(pool, range(7)).argmax() == 2


def test_the_shortest_path_goes_first() -> None:
    pool = line([1, 2, 3, 4, 5, 11, 12, 13], {0: 0, 6: 1, 10: 1, 14: 0})
    assert places(pool, 1) == [12]


def test_a_path_that_others_are_asked_about_has_had_its_turn() -> None:
    pool = line([1, 2, 3, 4, 5, 11, 13], {0: 0, 6: 1, 10: 1, 14: 0}, leased=[12])
    assert places(pool, 1) == [3]
    assert places(pool, 2)[1] in {11, 13}


def test_many_classes_leave_room_for_fewer_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(galaxy, "_CELLS", 60)
    pool = modelled(3, 200, classes=3)
    best = set(np.argsort(-np.where(pool.excluded, -1, margins(pool, range(200))))[:10].tolist())
    chosen = set(pool.where(galaxy.select(pool.view(), 20)))
    assert len(chosen) == 20 and best <= chosen
    assert len(pool.where(galaxy.select(pool.view(), 30))) == 30


def test_where_one_class_only_was_seen_the_model_says_where_it_ends() -> None:
    pool = line([-5, -1, 2, 7], {3: 1, 4: 1})
    assert places(pool, 2) == [-1, 2]


def test_it_asks_where_a_rare_class_ends_though_the_model_is_sure_there() -> None:
    # Beyond 6 the model is sure of class 2, though at 7 it is class 0 by its label.
    rng = np.random.default_rng(0)
    rare = np.array([[0, 9.0]]) + 0.1 * rng.normal(size=(10, 2))
    pool = Modelled(
        points=np.concatenate([rng.normal(size=(990, 2)), rare]).astype(np.float32),
        head=LinearHead(
            np.array([[0, 0], [1, 0], [0, 1]], np.float32), np.array([0, 0, -6], np.float32)
        ),
        anchors=np.array([[-1, 0], [1, 0], [0, 9], [0, 7]], np.float32),
        classes=np.array([0, 1, 2, 0]),
        excluded=np.zeros(1_000, np.bool_),
    )
    chosen = pool.where(galaxy.select(pool.view(), 12))
    best = np.argsort(-margins(pool, range(1_000)))[:12]
    assert sum(row >= 990 for row in chosen) >= 3
    assert sum(row >= 990 for row in best) == 0


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=9))
def test_the_lead_is_over_the_best_other_class(rows: list[list[float]]) -> None:
    p = np.array(rows, np.float32)
    expected = np.array(
        [[row[c] - max(np.delete(row, c)) for c in range(3)] for row in p], np.float32
    )
    np.testing.assert_allclose(galaxy.lead(p), expected, atol=1e-6)
    np.testing.assert_array_equal(galaxy.lead(p[:, :1]), np.ones((len(p), 1)))


@given(seed=SEEDS)
def test_paths_are_asked_in_full_before_anything_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    where = rng.choice(1_000, 40, replace=False).astype(float)
    labels = dict(zip(where[:8].tolist(), rng.integers(0, 2, 8).tolist(), strict=True))
    pool = line(where[8:].tolist(), labels)
    known = sorted(labels)
    gaps = [(a, b) for a, b in pairwise(known) if labels[a] != labels[b]]
    inside = {x for x in where[8:].tolist() if any(a < x < b for a, b in gaps)}
    # Far from 0 the model is so sure that leads differ by rounding only.
    if len({float(v) for v in galaxy.lead(pool.head.probabilities(pool.points))[:, 1]}) == 32:
        assert set(places(pool, len(inside))) == inside
        chosen = galaxy.select(pool.view(), 32)
        assert (chosen.components["path"][: len(inside)] > 0).all()
        assert not chosen.components["path"][len(inside) :].any()


def test_the_score_is_the_doubt_about_the_class_that_asks() -> None:
    pool = line([1, 2, 3], {0: 0, 8: 1})
    chosen = galaxy.select(pool.view(), 3)
    lead = galaxy.lead(pool.head.probabilities(pool.points))[chosen.row, 0]
    np.testing.assert_allclose(chosen.score, 1 - np.abs(lead), atol=1e-6)
    assert chosen.components["path"] == pytest.approx([3, 3, 3])


def test_of_a_large_pool_the_most_uncertain_and_some_drawn_are_candidates() -> None:
    pool = replace(modelled(3, 500), parameters={"candidates": 60})
    assert len(set(pool.where(galaxy.select(pool.view(), 15)))) == 15


def test_awkward_pools() -> None:
    check_edges(galaxy.select)
