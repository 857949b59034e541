"""Any sequence of changes leaves leases, labels and settled rows as three dictionaries would."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from alservice.domain.batch import Lease
from alservice.domain.errors import Conflict
from alservice.domain.label import LabelRow, Settled
from tests.contract.catalog_makers import MAKERS
from tests.contract.catalog_rows import P, a_lease, a_project, a_settled, an_answer

ITEMS = st.sampled_from(["a", "b", "c"])
LIVES = st.integers(1, 2)
KEYS = st.tuples(ITEMS, LIVES)
BATCHES = st.sampled_from(["b-1", "b-2"])
TIMES = st.integers(0, 5)


class CatalogLikeDictionaries(RuleBasedStateMachine):
    """The catalog beside its model; each rule does the same to both."""

    maker: ClassVar[str] = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.catalog = self.stack.enter_context(MAKERS[self.maker](folder))()
        self.catalog.transact(lambda tx: tx.projects.insert(a_project()))
        self.leases: dict[tuple[str, int, int], Lease] = {}
        self.lines: list[LabelRow] = []
        self.settled: dict[tuple[str, int], Settled] = {}

    def teardown(self) -> None:
        self.catalog.close()
        self.stack.close()

    @rule(keys=st.lists(st.tuples(KEYS, st.integers(0, 1)), max_size=3), batch=BATCHES, end=TIMES)
    def lease(self, keys: list[tuple[tuple[str, int], int]], batch: str, end: int) -> None:
        new = [
            a_lease(item, incarnation=life, slot=slot, batch_id=batch, expire_time_ms=end)
            for (item, life), slot in keys
        ]
        slots = [(row.item_id, row.incarnation, row.slot) for row in new]
        free = len({*slots}) == len(slots) and not self.leases.keys() & {*slots}
        try:
            self.catalog.transact(lambda tx: tx.leases.insert(P, new))
        except Conflict:
            assert not free
        else:
            assert free
            self.leases |= dict(zip(slots, new, strict=True))

    @rule(items=st.lists(ITEMS), now=TIMES)
    def reclaim(self, items: list[str], now: int) -> None:
        late = {k: v for k, v in self.leases.items() if k[0] in items and v.expire_time_ms <= now}
        found = self.catalog.transact(lambda tx: tx.leases.reclaim(P, items, now))
        assert sorted(map(str, found)) == sorted(map(str, late.values()))
        self.leases = {k: v for k, v in self.leases.items() if k not in late}

    @rule(keys=st.lists(KEYS))
    def end(self, keys: list[tuple[str, int]]) -> None:
        self.catalog.transact(lambda tx: tx.leases.delete(P, keys))
        self.leases = {k: v for k, v in self.leases.items() if k[:2] not in keys}

    @rule(batch=BATCHES, items=st.lists(ITEMS))
    def release(self, batch: str, items: list[str]) -> None:
        self.catalog.transact(lambda tx: tx.leases.release(P, batch, items))
        self._keep(lambda row: row.batch_id != batch or row.item_id not in items)

    @rule(batch=BATCHES)
    def end_batch(self, batch: str) -> None:
        self.catalog.transact(lambda tx: tx.leases.delete_batch(P, batch))
        self._keep(lambda row: row.batch_id != batch)

    @rule(keys=st.lists(KEYS, max_size=3), settles=st.booleans())
    def answer(self, keys: list[tuple[str, int]], *, settles: bool) -> None:
        rows = [an_answer(item, incarnation=life) for item, life in keys]
        numbers = self.catalog.transact(lambda tx: tx.labels.append(P, rows))
        assert list(numbers) == list(range(len(self.lines) + 1, len(self.lines) + len(rows) + 1))
        self.lines += rows
        if settles:
            pairs = zip(keys, numbers, strict=True)
            new = [a_settled(item, seq, incarnation=life) for (item, life), seq in pairs]
            self.catalog.transact(lambda tx: tx.labels.settle(P, new))
            self.settled |= dict(zip(keys, new, strict=True))

    @rule(keys=st.lists(KEYS))
    def unsettle(self, keys: list[tuple[str, int]]) -> None:
        self.catalog.transact(lambda tx: tx.labels.unsettle(P, keys))
        self.settled = {k: v for k, v in self.settled.items() if k not in keys}

    @invariant()
    def leases_are_equal(self) -> None:
        for now in (-1, 2):
            found = self.catalog.read(lambda tx, now=now: tx.leases.live(P, now))  # type: ignore[misc]
            live = [row for row in self.leases.values() if row.expire_time_ms > now]
            assert sorted(map(str, found)) == sorted(map(str, live))

    @invariant()
    def labels_are_equal(self) -> None:
        lines = self.catalog.read(lambda tx: tx.labels.page(P, 0, 10**6, settled_only=False))
        assert [(x.item_id, x.incarnation) for x in lines] == [
            (x.item_id, x.incarnation) for x in self.lines
        ]
        believed = {row.label_seq for row in self.settled.values()}
        assert {line.seq for line in lines if line.settled} == believed
        found = self.catalog.read(lambda tx: tx.labels.settled_of(P, ["a", "b", "c"]))
        assert found == self.settled

    def _keep(self, wanted: Any) -> None:
        self.leases = {k: v for k, v in self.leases.items() if wanted(v)}


class PostgresLikeDictionaries(CatalogLikeDictionaries):
    """The same, in PostgreSQL."""

    maker = "postgres"


CatalogLikeDictionaries.TestCase.settings = settings(max_examples=15, stateful_step_count=20)
PostgresLikeDictionaries.TestCase.settings = settings(max_examples=10, stateful_step_count=20)
TestCatalogLikeDictionaries = CatalogLikeDictionaries.TestCase
TestPostgresLikeDictionaries = PostgresLikeDictionaries.TestCase
