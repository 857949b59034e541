"""Choosing: the strategy's picks, the audit's draws, and what is said about them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from alservice import core
from alservice.domain import errors
from alservice.domain.audit import audit_target
from alservice.domain.batch import Arm, BatchItem
from alservice.domain.label import Answer, Outcome, Provenance
from tests.rounds import SALT, Rounds, ids, truth, vectors_of


def audits(items: list[BatchItem]) -> list[str]:
    return [item.item_id for item in items if item.arm is Arm.AUDIT]


def hand_out(rounds: Rounds, batch_size: int, total: int) -> list[BatchItem]:
    """All that is handed out until it is `total` items, in the order of the batches."""
    found: list[BatchItem] = []
    while len(found) < total:
        found += rounds.query(batch_size).batch.items
        assert len(audits(found)) == audit_target(rounds.project.policy, len(found))
    return found


def test_without_a_model_the_draw_is_uniform_and_says_so(rounds: Rounds) -> None:
    """A chi-square of 39 degrees of freedom exceeds 90 with a chance of 7e-6."""
    counts: Counter[str] = Counter()
    for seed in range(200):
        result = rounds.query(10, dry_run=True, seed=seed)
        counts.update(item.item_id for item in result.batch.items)
    assert result.batch.chosen_by == "random" and result.batch.model_id is None
    assert "margin" in result.notes[0] and "uniformly" in result.notes[0]
    # Draws without replacement vary less than multinomial ones, by (40 - 10) / (40 - 1).
    chi2 = sum((counts[i] - 50) ** 2 / 50 for i in ids(40)) / (30 / 39)
    assert chi2 < 90
    assert all(item.propensity == 0.25 and item.score == 0 for item in result.batch.items)


def test_labels_of_one_class_make_no_model_and_the_rounds_go_on(rounds: Rounds) -> None:
    rounds.label(i for i in ids(20) if truth(i) == "cat")
    result = rounds.query(30)
    assert result.batch.chosen_by == "random" and len(result.batch.items) == 30


def test_the_model_ranks_as_the_strategy_scores_its_probabilities(rounds: Rounds) -> None:
    rounds.label(ids(8))
    model = rounds.learn()
    assert model.label_count == 8
    head = rounds.trainer.fit(rounds.trainer.jobs[-1], lambda *_: None, None).head  # type: ignore[arg-type]
    open_ids = ids(32, 8)
    logits = head.logits(vectors_of(open_ids)).astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    top = np.sort(odds / odds.sum(axis=1, keepdims=True), axis=1)
    margin = dict(zip(open_ids, 1 - (top[:, -1] - top[:, -2]), strict=True))
    batch = rounds.query(32).batch
    assert batch.model_id == model.model_id
    for item in batch.items:
        assert item.score == pytest.approx(margin[item.item_id], abs=1e-5)
        assert item.components == {"margin": item.score} and item.propensity == 0


@pytest.mark.parametrize("batch_size", [1, 7, 20])
def test_the_audits_share_adds_up_over_batches_of_any_size(
    start: Callable[..., Rounds], batch_size: int
) -> None:
    rounds = start(reserve_share=0.3)
    rounds.add(ids(300))
    found = hand_out(rounds, batch_size, 60)
    project = rounds.project
    assert project.audit_asked == len(audits(found))
    assert project.queried_asked == len(found) - len(audits(found))


def test_the_audit_is_drawn_from_the_reserve_in_the_order_of_its_hash(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(reserve_share=0.2, audit_share=0.5)
    rounds.add(ids(200))
    found = hand_out(rounds, 10, 40)
    packed = rounds.store.pack(ids(200))
    keyed = core.keyed_hash(packed.hashes, SALT)
    in_order = [f"i{n}" for n in np.argsort(keyed, kind="stable")]
    by_batch = [set(audits(found[at : at + 10])) for at in range(0, 40, 10)]
    assert by_batch == [set(in_order[at : at + 5]) for at in range(0, 20, 5)]
    reserve = {f"i{n}" for n in np.flatnonzero(keyed < np.uint64(int(0.2 * 2.0**64)))}
    assert {i.item_id for i in found if i.arm is Arm.STRATEGY}.isdisjoint(reserve)
    assert reserve == rounds.reserved()


def test_without_a_reserve_there_is_no_audit(rounds: Rounds) -> None:
    assert not audits(list(rounds.query(40).batch.items))


def test_audit_items_are_scored_and_ranked_like_all_others(start: Callable[..., Rounds]) -> None:
    rounds = start(reserve_share=0.3, audit_share=0.5)
    rounds.add(ids(120))
    rounds.label(i for i in ids(40) if i not in rounds.reserved())
    rounds.learn()
    for strategy in ("margin", "k_center"):
        items = rounds.query(20, strategy=strategy).batch.items
        scores = [item.score for item in items]
        assert scores == sorted(scores, reverse=True)
        assert len(audits(list(items))) == 10
        assert all(
            item.score > 0 and item.propensity > 0 for item in items if item.arm is Arm.AUDIT
        )
        # Neither by their ranks nor by equal numbers can they be told from the picks.
        assert len(set(scores)) == 20
        assert {frozenset(item.components) for item in items} == {frozenset({strategy})}
        ranks = [item.rank for item in items if item.arm is Arm.AUDIT]
        assert min(ranks) <= 8 and max(ranks) >= 13


def test_the_audits_probability_is_its_own_whatever_the_strategy_says_of_its_picks(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(reserve_share=0.3, audit_share=0.5)
    rounds.add(ids(120))
    rounds.label(i for i in ids(40) if i not in rounds.reserved())
    rounds.learn()
    open_reserve = len(rounds.reserved())
    items = rounds.query(20, strategy="power").batch.items
    asked = [item for item in items if item.arm is Arm.AUDIT]
    assert len(asked) == 10
    assert [item.propensity for item in asked] == [pytest.approx(10 / open_reserve)] * 10
    assert all(0 < item.propensity <= 1 for item in items)


def test_when_the_reserve_is_used_up_the_strategy_fills_the_batch(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(reserve_share=0.1, audit_share=0.5)
    rounds.add(ids(100))
    reserve = rounds.reserved()
    found = [*rounds.query(40).batch.items, *rounds.query(40).batch.items]
    assert len(found) == 80 and set(audits(found)) == reserve


def test_when_only_the_reserve_is_left_it_is_still_measured(start: Callable[..., Rounds]) -> None:
    rounds = start(reserve_share=0.3)
    rounds.add(ids(60))
    reserve = rounds.reserved()
    rounds.label(set(ids(60)) - reserve)
    found = list(rounds.query(20).batch.items)
    assert len(found) == 2 and set(audits(found)) <= reserve


def test_k_center_treats_labelled_and_leased_items_as_chosen(rounds: Rounds) -> None:
    rounds.label(ids(2))
    chosen = list(ids(2))
    for _ in range(3):
        batch = rounds.query(2, strategy="k_center").batch
        for item in batch.items:
            gaps = np.linalg.norm(vectors_of(chosen) - vectors_of([item.item_id]), axis=1)
            assert item.score == pytest.approx(gaps.min(), rel=1e-4)
            chosen.append(item.item_id)
    assert len(set(chosen)) == 8


def test_items_that_were_labelled_unusable_or_deleted_are_no_anchors(rounds: Rounds) -> None:
    rounds.label(ids(3))
    ask: dict[str, Any] = {"strategy": "k_center", "dry_run": True, "seed": 1}
    (first,) = rounds.query(1, **ask).batch.items
    others = [i for i in ids(10, 10) if i != first.item_id]
    rounds.label(others)
    assert rounds.query(1, **ask).batch.items[0].score <= first.score
    unusable: dict[str, Any] = {"outcome": Outcome.UNUSABLE, "provenance": Provenance.CORRECTED}
    rounds.submit(*(Answer(item_id=i, **unusable) for i in others[:5]))
    rounds.pool.delete(*others[5:])
    assert rounds.query(1, **ask).batch.items == (first,)


def test_a_budget_buys_what_it_can_and_no_more(start: Callable[..., Rounds]) -> None:
    rounds = start()
    rounds.add(ids(40), costs=np.linspace(1, 5, 40).astype(np.float32))
    rounds.label(ids(8))
    rounds.learn()
    batch = rounds.query(20, strategy="cost_ratio", parameters={"budget": 12.0}).batch
    assert 1 <= len(batch.items) < 12
    assert sum(item.components["cost"] for item in batch.items) <= 12
    with pytest.raises(errors.ParameterOutOfRange, match="budget"):
        rounds.query(20, strategy="cost_ratio", parameters={"budget": 0.5})
