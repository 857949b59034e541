"""Laws of leases over time: whoever was handed an item had it alone until the lease was over.

A lease begins and ends by the catalog's clock, which the answers tell and which never goes back.
One that overlaps an earlier one needs a reason (`lease_ends`) why that had ended.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from tests.chaos.call import NEVER, Call, effective
from tests.chaos.holding import Holding
from tests.chaos.lease_ends import LeaseEnds
from tests.e2e.complaint import named
from tests.e2e.found import Found, FoundBatch
from tests.e2e.history import Ask, Handed

LONG_AGO: Final = -1


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
    unheard = [batch for batch in found.batches if batch.name not in known]
    return held + [holding for batch in unheard for holding in _unheard(batch, held)]


def _unheard(batch: FoundBatch, held: Sequence[Holding]) -> list[Holding]:
    """Its begin and end are those of the calls that the catalog's clock puts around it."""
    born_ms = batch.create_ms
    begin = max((h.begin_ns for h in held if h.from_ms < born_ms), default=LONG_AGO)
    end = min((h.end_ns for h in held if h.from_ms > born_ms), default=NEVER)
    return [
        Holding(i, batch.name, born_ms, batch.expire_ms, begin, end, asked=True)
        for i, _ in batch.items
    ]


def one_holder(calls: Sequence[Call], found: Found) -> Iterator[str]:
    """No item is leased to two batches at once."""
    by_item: dict[str, list[Holding]] = defaultdict(list)
    for holding in holdings(calls, found):
        by_item[holding.item_id].append(holding)
    ends = LeaseEnds(calls, found)
    twice = [
        f"{later.name} and {earlier.batch}"
        for same in by_item.values()
        for earlier, later in combinations(sorted(same, key=_start), 2)
        if earlier.batch != later.batch
        and later.from_ms < earlier.until_ms
        and not ends.excuse(earlier, later)
    ]
    yield from named("items were leased to two batches at once", twice)


def only_open_items(calls: Sequence[Call], found: Found) -> Iterator[str]:
    """No item is handed out after somebody has settled it."""
    ends = LeaseEnds(calls, found)
    wrong = [
        holding.name
        for holding in holdings(calls, found)
        if holding.asked and ends.is_settled(holding)
    ]
    yield from named("settled items were handed out", wrong)


def _start(holding: Holding) -> tuple[int, int]:
    return holding.from_ms, holding.begin_ns
