"""Labels with their vectors, sorted by what they are for: to train, or to measure."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alservice.core import CancelFlag
from alservice.domain.batch import Arm
from alservice.domain.item import Attributes, Role
from alservice.domain.label import Answer, Outcome, Provenance
from alservice.domain.metrics import AUDIT, TEST
from alservice.usecases.labelled_vectors import GatherLabelled, LabelledVectors
from alservice.usecases.snapshot import Snapshots
from tests.rounds import CLASSES, Rounds, ids, truth, vectors_of


def gather(rounds: Rounds) -> LabelledVectors:
    snapshots: Snapshots = rounds.wiring.make(Snapshots)
    snapshot, settled = snapshots.take(
        rounds.project_id, "", lambda tx, _: tx.labels.settled_since(rounds.project_id, -1)
    )
    found: LabelledVectors = rounds.wiring.make(GatherLabelled)(snapshot, settled, CancelFlag())
    return found


def counts(rounds: Rounds) -> list[int]:
    snapshots: Snapshots = rounds.wiring.make(Snapshots)
    snapshot, settled = snapshots.take(
        rounds.project_id, "", lambda tx, _: tx.labels.settled_since(rounds.project_id, -1)
    )
    gathering: GatherLabelled = rounds.wiring.make(GatherLabelled)
    return [int(count) for count in gathering.counts(snapshot, settled)]


def rows(vectors: np.ndarray, classes: np.ndarray) -> set[tuple[float, ...]]:
    return {(*v, c) for v, c in zip(vectors.tolist(), classes.tolist(), strict=True)}


def expected(item_ids: list[str]) -> set[tuple[float, ...]]:
    classes = np.array([CLASSES.index(truth(i)) for i in item_ids])
    return rows(vectors_of(item_ids), classes)


def test_labels_of_the_pool_train_and_those_of_test_items_measure(
    start: Callable[..., Rounds],
) -> None:
    rounds = start()
    rounds.add(ids(20))
    rounds.add(ids(6, 20), role=Role.TEST)
    rounds.add(ids(4, 26), role=Role.GOLD)
    rounds.label(ids(30))
    found = gather(rounds)
    training = found.training
    assert rows(training.vectors, training.classes) == expected(list(ids(20)))
    assert found.settled_count == 20 and training.class_count == 3
    assert counts(rounds) == [10, 10, 0]
    (test,) = found.evaluations
    assert test.basis == TEST
    assert rows(test.vectors, test.classes) == expected(list(ids(6, 20)))


def test_audit_labels_never_train_whoever_gives_or_corrects_them(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(reserve_share=0.4, audit_share=0.5)
    rounds.add(ids(60))
    items = rounds.query(20).batch.items
    audit = [item.item_id for item in items if item.arm is Arm.AUDIT]
    assert len(audit) == 10
    rounds.label(item.item_id for item in items)
    rounds.label(audit[:3], provenance=Provenance.CORRECTED, annotator_id="eve")
    rounds.label(audit[:5], provenance=Provenance.MACHINE, annotator_id="robot")
    found = gather(rounds)
    (measured,) = found.evaluations
    assert measured.basis == AUDIT
    assert rows(measured.vectors, measured.classes) == expected(audit)
    assert not rows(found.training.vectors, found.training.classes) & expected(audit)
    assert found.settled_count == 10


def test_what_has_no_class_trains_nothing_and_doubt_weighs_half(rounds: Rounds) -> None:
    rounds.label(ids(3))
    rounds.answer("i3", "dog", outcome=Outcome.UNSURE)
    rounds.submit(
        Answer(item_id="i4", outcome=Outcome.UNUSABLE), Answer(item_id="i5", outcome=Outcome.FLAG)
    )
    training = gather(rounds).training
    assert sorted(training.weights.tolist()) == [0.5, 1, 1, 1]
    assert training.groups is None


def test_labels_of_items_deleted_or_born_again_are_left_out(rounds: Rounds) -> None:
    rounds.label(ids(6))
    rounds.pool.delete("i0", "i1")
    rounds.add(["i1"])
    found = gather(rounds)
    assert rows(found.training.vectors, found.training.classes) == expected(
        ["i2", "i3", "i4", "i5"]
    )


def test_a_label_of_another_life_is_not_taken_for_one_of_this(rounds: Rounds) -> None:
    rounds.label(ids(3))
    snapshots: Snapshots = rounds.wiring.make(Snapshots)
    snapshot, _ = snapshots.take("rounds", "", lambda *_: None)
    settled = [replace(row, incarnation=n) for n, row in enumerate(rounds.settled().values())]
    found = rounds.wiring.make(GatherLabelled)(snapshot, settled, CancelFlag())
    assert found.settled_count == 1


def test_items_of_one_group_share_a_number_and_others_have_their_own(rounds: Rounds) -> None:
    some = ids(3, 40)
    rounds.add(some, attributes=(Attributes("a"), Attributes("b"), Attributes("a")))
    rounds.pool.regroup("i0", group="b")
    rounds.label([*ids(3), *some])
    found = gather(rounds).training
    assert found.groups is not None
    by_row = dict(zip(map(tuple, found.vectors.tolist()), found.groups.tolist(), strict=True))
    number = {i: by_row[tuple(vectors_of([i])[0].tolist())] for i in [*ids(3), *some]}
    assert number["i40"] == number["i42"] and number["i41"] == number["i0"]
    assert len(set(number.values())) == 4


def test_the_pools_statistics_are_those_of_what_is_alive(rounds: Rounds) -> None:
    rounds.pool.delete(*ids(10))
    training = gather(rounds).training
    alive = vectors_of(ids(30, 10))
    assert training.pool_mean is not None and training.pool_scale is not None
    assert training.pool_mean == pytest.approx(alive.mean(axis=0), abs=1e-5)
    assert training.pool_scale == pytest.approx(alive.std(axis=0), abs=1e-5)


def test_a_pool_without_items_has_no_statistics(start: Callable[..., Rounds]) -> None:
    found = gather(start())
    assert found.training.pool_mean is None and found.evaluations == ()
