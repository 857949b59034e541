"""Whatever is asked, answered, deleted, merged and let go of: a project is a few dictionaries."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alservice.domain.batch import Arm
from alservice.domain.errors import BatchClosed, PoolEmpty
from alservice.domain.label import Answer, LabelStatus, Outcome, Provenance
from alservice.domain.model import ModelRow, ModelState
from alservice.ports.catalog import Tx
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.release_batch import ReleaseBatch, ReleaseBatchCommand
from alservice.usecases.renew_batch import RenewBatch, RenewBatchCommand
from alservice.usecases.require import require_project
from alservice.usecases.snapshot import Snapshots
from tests.rounds import CLASSES, Rounds, a_call, begin, ids
from tests.usecases.conftest import Clock

NUMBERS = count(1)
WORLD = ids(24)
SOME = st.lists(st.sampled_from(WORLD), min_size=1, max_size=6, unique=True)
PEOPLE = st.sampled_from(["ada", "bob", "cyd", "dan"])
VALUED = {Outcome.VALUE, Outcome.UNSURE}
ANSWERS = st.builds(
    Answer,
    item_id=st.sampled_from(WORLD),
    outcome=st.sampled_from([*Outcome, Outcome.VALUE, Outcome.VALUE]),
    class_id=st.sampled_from(CLASSES),
    annotator_id=PEOPLE,
    provenance=st.sampled_from([None, None, Provenance.CORRECTED, Provenance.MACHINE]),
)
LEASE_MS = 60_000
Belief = tuple[Outcome, str | None, bool]  # and whether a machine said so


class RoundsMachine(RuleBasedStateMachine):
    """Does the same to a project and to dictionaries."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock()
        self.catalog = SqliteCatalog(self.folder, clock_ms=self.clock)
        store = LocalSegmentStore(self.folder / "segments")
        self.rounds: Rounds = begin(
            self.catalog, store, reserve_share=0.2, strategy="random", lease_duration_ms=LEASE_MS
        )
        self.alive: set[str] = set()
        self.reserve: set[str] = set()
        self.beliefs: dict[str, Belief] = {}
        self.log: dict[str, list[Answer]] = {}
        self.leases: dict[str, tuple[str, int]] = {}
        self.batches: list[str] = []
        self.seen = -1
        self.add(list(WORLD))

    def teardown(self) -> None:
        if hasattr(self, "catalog"):
            self.catalog.close()
            shutil.rmtree(self.folder)

    @rule(item_ids=SOME)
    def add(self, item_ids: Sequence[str]) -> None:
        new = [item_id for item_id in item_ids if item_id not in self.alive]
        if new:
            self.rounds.add(new)
            self.alive |= set(new)
            self.reserve |= self.rounds.reserved()

    @rule(item_ids=SOME)
    def delete(self, item_ids: Sequence[str]) -> None:
        self.rounds.pool.delete(*item_ids)
        self.alive -= set(item_ids)
        for item_id in item_ids:
            for known in (self.beliefs, self.log, self.leases):
                known.pop(item_id, None)

    @rule(item_ids=SOME)
    def update(self, item_ids: Sequence[str]) -> None:
        there = [item_id for item_id in item_ids if item_id in self.alive]
        if there:
            self.rounds.pool.regroup(*there, group="g")

    @rule()
    def merge(self) -> None:
        self.rounds.pool.merge()

    @rule(milliseconds=st.sampled_from([1_000, LEASE_MS]))
    def wait(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)
        self._forget_late_leases()

    @rule(size=st.integers(1, 8), who=PEOPLE)
    def query(self, size: int, who: str) -> None:
        self._forget_late_leases()
        abstained = {i for i, log in self.log.items() if _abstained(log, who)}
        free = self.alive - self.beliefs.keys() - self.leases.keys() - abstained
        try:
            batch = self.rounds.query(size, annotator_id=who).batch
        except PoolEmpty:
            assert not free - self.reserve
            return
        audit = {i.item_id for i in batch.items if i.arm is Arm.AUDIT}
        picked = {i.item_id for i in batch.items if i.arm is Arm.STRATEGY}
        assert len(batch.items) == len(audit | picked)
        assert audit <= free & self.reserve and picked <= free - self.reserve
        assert len(picked) == min(size - len(audit), len(free - self.reserve))
        self.leases |= dict.fromkeys(audit | picked, (batch.batch_id, batch.expire_time_ms))
        self.batches.append(batch.batch_id)

    @rule(answers=st.lists(ANSWERS, min_size=1, max_size=8))
    def submit(self, answers: Sequence[Answer]) -> None:
        sent = [a if a.outcome in VALUED else _without_class(a) for a in answers]
        known = [a for a in sent if a.item_id in self.alive]
        if not known:
            return
        before = self.leases
        result = self.rounds.submit(*known)
        expected = [self._believe(answer) for answer in known]
        told = [status is LabelStatus.DUPLICATE for status in result.statuses]
        assert told == [duplicate for duplicate, _ in expected]
        disagrees = [status is LabelStatus.DISAGREES for status in result.statuses]
        assert disagrees == [against for _, against in expected]
        assert result.settled_count == len(self.beliefs)
        assert result.unseen_label_count == self.catalog.read(self._unseen)
        self._let_go(before, {answer.item_id for answer in known})

    @rule()
    def learn(self) -> None:
        self.catalog.transact(self._learn)

    @rule(number=st.integers(0, 50))
    def release(self, number: int) -> None:
        if self.batches:
            batch_id = self.batches[number % len(self.batches)]
            command = ReleaseBatchCommand(self.rounds.project_id, batch_id)
            assert self.rounds.wiring.make(ReleaseBatch)(a_call(), command).closed
            self.leases = {i: v for i, v in self.leases.items() if v[0] != batch_id}

    @rule(number=st.integers(0, 50))
    def renew(self, number: int) -> None:
        if not self.batches:
            return
        self._forget_late_leases()
        batch_id = self.batches[number % len(self.batches)]
        command = RenewBatchCommand(self.rounds.project_id, batch_id)
        held = {i for i, (b, _) in self.leases.items() if b == batch_id} - self.beliefs.keys()
        try:
            batch = self.rounds.wiring.make(RenewBatch)(a_call(), command)
        except BatchClosed:
            assert not held
            return
        leases = self.catalog.read(lambda tx: tx.leases.live("rounds", self.clock.now_ms))
        # What a machine has settled meanwhile keeps the lease it had.
        until = (batch_id, batch.expire_time_ms)
        renewed = {i.item_id for i in leases if (i.batch_id, i.expire_time_ms) == until}
        assert held <= renewed <= self.alive
        self.leases |= dict.fromkeys(renewed, until)

    @invariant()
    def beliefs_and_counters_are_right(self) -> None:
        if not hasattr(self, "batches"):
            return
        settled = self.rounds.settled()
        assert {i: (s.outcome, s.class_id) for i, s in settled.items()} == {
            i: belief[:2] for i, belief in self.beliefs.items()
        }
        project = self.rounds.project
        assert max((s.revision for s in settled.values()), default=0) <= project.labels_revision
        assert project.labels_revision <= project.revision
        assert project.settled_count == len(self.beliefs)
        assert project.item_count == len(self.alive)

    @invariant()
    def masks_that_grew_equal_masks_made_at_once(self) -> None:
        if not hasattr(self, "batches"):
            return
        warm: Snapshots = self.rounds.wiring.make(Snapshots)
        grown, _ = warm.take("rounds", "ada", lambda _tx, _project: None)
        cold = Snapshots(self.catalog, self.rounds.store)
        fresh, _ = cold.take("rounds", "ada", lambda _tx, _project: None)
        assert list(grown.masks.masks) == list(fresh.masks.masks)
        for opened in fresh.pool:
            one = grown.masks.masks[opened.segment.segment_id]
            other = fresh.masks.masks[opened.segment.segment_id]
            for name in ("not_pool", "reserved", "settled", "labelled"):
                alive = ~opened.deleted
                np.testing.assert_array_equal(
                    getattr(one, name) & alive, getattr(other, name) & alive, name
                )

    def _learn(self, tx: Tx) -> None:
        project = require_project(tx, "rounds")
        self.seen = project.revision
        model = ModelRow(
            model_id=f"m-{next(NUMBERS)}",
            state=ModelState.READY,
            learner="logistic",
            operation_id="o-none",
            space_id=project.space.space_id,
            class_ids=project.schema.class_ids,
            revision=project.revision,
        )
        tx.models.insert("rounds", model)
        tx.projects.update(
            replace(project, active_model_id=model.model_id, revision=project.revision + 1)
        )

    def _unseen(self, tx: Tx) -> int:
        return tx.labels.unseen_count("rounds", self.seen)

    def _believe(self, answer: Answer) -> tuple[bool, bool]:
        """Take an answer into the dictionaries: is it a duplicate, does it disagree?"""
        item_id = answer.item_id
        log = self.log.setdefault(item_id, [])
        if _repeats(log, answer):
            return True, False
        log.append(answer)
        belief = self.beliefs.get(item_id)
        new = (answer.outcome, answer.class_id, answer.provenance is Provenance.MACHINE)
        if answer.outcome is Outcome.ABSTAIN:
            people = {a.annotator_id for a in log if a.outcome is Outcome.ABSTAIN}
            if belief is None and len(people) >= 3:
                self.beliefs[item_id] = (Outcome.FLAG, None, False)
            return False, False
        if answer.provenance is Provenance.MACHINE and item_id in self.reserve:
            return False, False
        if belief is None or _gives_way(belief, answer):
            self.beliefs[item_id] = new
            return False, False
        same = belief[1] == answer.class_id if belief[1] else belief[0] is answer.outcome
        return False, not same

    def _let_go(self, before: dict[str, tuple[str, int]], answered: set[str]) -> None:
        """Answers end leases, only on their items, and on all that a person has settled."""
        now = self.clock.now_ms
        leases = self.catalog.read(lambda tx: tx.leases.live("rounds", now))
        self.leases = {i.item_id: (i.batch_id, i.expire_time_ms) for i in leases}
        assert self.leases.items() <= before.items()
        assert before.keys() - self.leases.keys() <= answered | self._late(before)
        person = {i for i in answered if i in self.beliefs and not self.beliefs[i][2]}
        assert not person & self.leases.keys()

    def _late(self, leases: dict[str, tuple[str, int]]) -> set[str]:
        return {i for i, (_, end) in leases.items() if end <= self.clock.now_ms}

    def _forget_late_leases(self) -> None:
        now = self.clock.now_ms
        self.leases = {i: v for i, v in self.leases.items() if v[1] > now}


def _without_class(answer: Answer) -> Answer:
    return Answer(
        item_id=answer.item_id,
        outcome=answer.outcome,
        annotator_id=answer.annotator_id,
        provenance=answer.provenance,
    )


def _abstained(log: Sequence[Answer], who: str) -> bool:
    return any(a.annotator_id == who and a.outcome is Outcome.ABSTAIN for a in log)


def _repeats(log: Sequence[Answer], answer: Answer) -> bool:
    mine = [a for a in log if a.annotator_id == answer.annotator_id]
    if not mine:
        return False
    machines = {a.provenance is Provenance.MACHINE for a in (mine[-1], answer)}
    said = (mine[-1].outcome, mine[-1].class_id) == (answer.outcome, answer.class_id)
    if answer.provenance is Provenance.CORRECTED:
        return said and log[-1] is mine[-1] and mine[-1].provenance is Provenance.CORRECTED
    return said and len(machines) == 1


def _gives_way(belief: Belief, answer: Answer) -> bool:
    if answer.provenance is Provenance.CORRECTED:
        return True
    if belief[0] is Outcome.FLAG:
        return answer.outcome is not Outcome.FLAG
    return belief[2] and answer.provenance is not Provenance.MACHINE


TestRounds = RoundsMachine.TestCase
TestRounds.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
