"""Whatever is added, replaced, changed, deleted and merged: a pool is a dictionary."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from alservice.domain.errors import ItemExists, ItemNotFound
from alservice.domain.item import OnConflict
from alservice.domain.project import ClassLabel, LabelSchema, Project
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments import LocalSegmentStore
from tests.sweeping import sweeper
from tests.usecases.items import Pool, block, small_files, vector_of

IDS = st.lists(st.sampled_from([f"i{n}" for n in range(12)]), min_size=1, max_size=6, unique=True)
ANY = st.booleans()
POLICIES = st.sampled_from(OnConflict)
Content = dict[str, tuple[list[float], str]]


class PoolMachine(RuleBasedStateMachine):
    """Does the same to a pool and to a dictionary."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.catalog = SqliteCatalog(self.folder)
        self.store = LocalSegmentStore(self.folder / "segments")
        schema = LabelSchema((ClassLabel("cat"), ClassLabel("dog")))
        project = Project(project_id="p", uid="p-1", display_name="p", schema=schema)
        self.catalog.transact(lambda tx: tx.projects.insert(project))
        self.pool = Pool(self.catalog, self.store, "p")
        self.model: Content = {}
        self.settled: set[str] = set()
        self.version = 0

    def teardown(self) -> None:
        if hasattr(self, "catalog"):
            self.catalog.close()
            shutil.rmtree(self.folder)

    @rule(
        ids=IDS,
        policy=POLICIES,
        streamed=st.booleans(),
        files=st.booleans(),
        labelled=st.booleans(),
    )
    def add(
        self, ids: list[str], policy: OnConflict, *, streamed: bool, files: bool, labelled: bool
    ) -> None:
        self.version += 1
        classes = {"class_ids": ("cat",) * len(ids)} if labelled else {}
        clashes = self.model.keys() & set(ids)
        items = block(ids, self.version, **classes)
        with small_files(0 if files else 2**20, 60):
            if policy is OnConflict.ERROR and clashes:
                with pytest.raises(ItemExists) as caught:
                    self.pool.add(items, policy)
                assert caught.value.metadata["count"] == str(len(clashes))
                return
            add = self.pool.upload if streamed else self.pool.add
            result = add(items, policy=policy)
        kept = clashes if policy is OnConflict.SKIP else set()
        new = [item_id for item_id in ids if item_id not in kept]
        assert (result.added, result.skipped) == (len(new), len(kept))
        assert result.replaced == (len(clashes) if policy is OnConflict.REPLACE else 0)
        self.model |= {item_id: (vector_of(item_id, self.version), "") for item_id in new}
        self.settled -= set(new)
        self.settled |= set(new) if labelled else set()

    @rule(ids=IDS)
    def delete(self, ids: list[str]) -> None:
        there = self.model.keys() & set(ids)
        deleted = self.pool.delete(*ids)
        assert (deleted.deleted, deleted.missing) == (len(there), len(ids) - len(there))
        for item_id in there:
            del self.model[item_id]
        self.settled -= there

    @rule(ids=IDS, group=st.sampled_from(["red", "blue"]))
    def regroup(self, ids: list[str], group: str) -> None:
        missing = set(ids) - self.model.keys()
        if missing:
            with pytest.raises(ItemNotFound) as caught:
                self.pool.regroup(*ids, group=group)
            assert caught.value.metadata["count"] == str(len(missing))
            return
        self.pool.regroup(*ids, group=group)
        for item_id in ids:
            self.model[item_id] = (self.model[item_id][0], group)

    @precondition(lambda self: self.pool.segment_count > 1)
    @rule()
    def merge(self) -> None:
        before = self.pool.project.revision
        assert self.pool.merge() > 0
        assert self.pool.project.revision > before
        assert self.pool.segment_count <= 1

    @rule()
    def sweep(self) -> None:
        sweeper(self.catalog, self.store)()

    @invariant()
    def a_pool_is_a_dictionary(self) -> None:
        if not hasattr(self, "pool"):
            return
        assert self.pool.content() == self.model
        project = self.pool.project
        assert project.item_count == len(self.model)
        assert project.settled_count == len(self.settled)
        assert {i.item_id for i in self.pool.items() if i.settled_class_id} == self.settled


TestPoolLaws = PoolMachine.TestCase
TestPoolLaws.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
