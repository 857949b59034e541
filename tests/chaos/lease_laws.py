"""Laws of leases over time: whoever was handed an item had it alone until the lease was over.

A lease begins and ends by the catalog's clock, which the answers tell. One that overlaps an
earlier one needs a reason why that had ended: an answer, by the catalog's clock too, or a call
that may have taken effect before the later lease was given, by the clients' clock.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from tests.chaos.call import NEVER, Call, effective, intentions
from tests.e2e.complaint import named
from tests.e2e.expected import settling
from tests.e2e.found import Found, FoundLabel
from tests.e2e.history import Add, Ask, Delete, Handed, Release

LONG_AGO: Final = -1


@dataclass(frozen=True, slots=True)
class Holding:
    """One item in one batch for a time. `begin_ns` and `end_ns` are those of the call."""

    item_id: str
    batch: str
    from_ms: int
    until_ms: int
    begin_ns: int
    end_ns: int
    asked: bool

    @property
    def name(self) -> str:
        """For complaints."""
        return f"{self.item_id} in {self.batch}"


def holdings(calls: Sequence[Call], found: Found) -> list[Holding]:
    """All that was handed out: what clients were told, and batches that nobody heard of."""
    held = [
        Holding(i, r.batch, r.hold.from_ms, r.hold.until_ms, call.begin_ns, call.end_ns, asked)
        for call in effective(calls)
        if isinstance(r := call.result, Handed) and r.hold is not None
        for asked in [isinstance(call.request.action, Ask)]
        for i in r.hold.ids
    ]
    known = {holding.batch for holding in held}
    return held + [
        Holding(i, batch.name, batch.create_ms, batch.expire_ms, LONG_AGO, NEVER, asked=True)
        for batch in found.batches
        if batch.name not in known
        for i, _ in batch.items
    ]


def one_holder(calls: Sequence[Call], found: Found) -> Iterator[str]:
    """No item is leased to two batches at once."""
    by_item: dict[str, list[Holding]] = defaultdict(list)
    for holding in holdings(calls, found):
        by_item[holding.item_id].append(holding)
    over = _Endings(calls, found)
    twice = [
        f"{later.name} and {earlier.batch}"
        for same in by_item.values()
        for earlier, later in combinations(sorted(same, key=_start), 2)
        if earlier.batch != later.batch
        and later.from_ms < earlier.until_ms
        and not over.excuses(earlier, later)
    ]
    yield from named("items were leased to two batches at once", twice)


def only_open_items(calls: Sequence[Call], found: Found) -> Iterator[str]:
    """No item is handed out after somebody has settled it."""
    over = _Endings(calls, found)
    settled = {
        row.item_id: row.create_ms for row in reversed(found.labels) if row.outcome != "ABSTAIN"
    }
    wrong = [
        holding.name
        for holding in holdings(calls, found)
        if holding.asked and settled.get(holding.item_id, holding.from_ms) < holding.from_ms
        if not over.touched[holding.item_id]
    ]
    yield from named("settled items were handed out", wrong)


def _start(holding: Holding) -> tuple[int, int]:
    return holding.from_ms, holding.begin_ns


class _Endings:
    """Everything that ends a lease before its time."""

    def __init__(self, calls: Sequence[Call], found: Found) -> None:
        self._owner = {batch.name: batch.annotator for batch in found.batches}
        self._settling = settling(found.labels)
        self._labels: dict[str, list[FoundLabel]] = defaultdict(list)
        for row in found.labels:
            self._labels[row.item_id].append(row)
        self.touched: dict[str, list[Call]] = defaultdict(list)
        self._released: dict[str, list[Call]] = defaultdict(list)
        for call in intentions(calls):
            action = call.request.action
            if isinstance(action, Delete) or (isinstance(action, Add) and action.replace):
                for item_id in action.ids:
                    self.touched[item_id].append(call)
            if isinstance(action, Release):
                self._released[action.batch].append(call)

    def excuses(self, earlier: Holding, later: Holding) -> bool:
        """Whether the earlier lease may have been over when the later one was given."""
        in_time: Callable[[Call], bool] = lambda call: call.begin_ns < later.end_ns  # noqa: E731
        calls = (*self._released[earlier.batch], *self.touched[earlier.item_id])
        return any(map(in_time, calls)) or any(
            row.create_ms <= later.from_ms and self._ends(row, earlier)
            for row in self._labels[earlier.item_id]
        )

    def _ends(self, row: FoundLabel, holding: Holding) -> bool:
        return row.token in self._settling or row.annotator == self._owner.get(holding.batch)
