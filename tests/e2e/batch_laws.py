"""Laws of batches and trainings: nothing is handed out twice, nothing ends twice."""

from collections import Counter
from collections.abc import Iterator

from tests.e2e.complaint import differ, named
from tests.e2e.expected import believed
from tests.e2e.found import Found
from tests.e2e.history import (
    Add,
    Ask,
    Delete,
    Handed,
    History,
    Queued,
    Release,
    Train,
    effective,
)
from tests.e2e.memory import Memory


def batches(history: History, found: Found) -> Iterator[str]:
    """Each batch that was handed out is there as it was, once; others only if they may be."""
    there = {batch.name: batch for batch in found.batches}
    if len(there) != len(found.batches):
        yield "a batch is listed twice"
    handed = {
        entry.result.batch: entry.result.ids
        for entry in history.entries
        if isinstance(entry.request.action, Ask) and isinstance(entry.result, Handed)
    }
    yield from named("batches are lost", handed.keys() - there.keys())
    kept = {n: tuple(i for i, _ in b.items) for n, b in there.items()}
    changed = [n for n in handed.keys() & there.keys() if kept[n] != handed[n]]
    yield from named("batches were changed", changed)
    waiting = [r.action.annotator for r in history.pending.values() if isinstance(r.action, Ask)]
    strange = Counter(there[name].annotator for name in there.keys() - handed.keys())
    yield from named("batches come from nowhere", strange - Counter(waiting))


def leases(history: History, found: Found) -> Iterator[str]:
    """No item waits in two batches; none that waits is deleted or settled; no lease is lost."""
    waiting = Counter(i for b in found.batches for i, state in b.items if state == "OPEN")
    yield from named("items are leased twice", [i for i, n in waiting.items() if n > 1])
    items = {item.item_id: item for item in found.items}
    yield from named("deleted items are leased", waiting.keys() - items.keys())
    seats = believed(found.labels)
    settled = {i for i, item in items.items() if (i, item.incarnation) in seats}
    yield from named("settled items are leased", waiting.keys() & settled)
    answered = {row.item_id for row in found.labels}  # elsewhere: then nobody waits any more
    released = {
        r.action.batch
        for r in (*history.pending.values(), *(e.request for e in history.entries))
        if isinstance(r.action, Release)
    }
    all_states = {b.name: dict(b.items) for b in found.batches}
    touched = _touched(history)
    for entry in effective(history.entries):
        if not isinstance(entry.request.action, Ask) or entry.request.action.lease_s < 3600:
            continue
        batch = entry.result.batch if isinstance(entry.result, Handed) else ""
        if batch in released:
            continue
        given_back = {i for i, state in all_states.get(batch, {}).items() if state == "RELEASED"}
        yield from named(f"leases of {batch} are lost", given_back - answered - touched)


def _touched(history: History) -> set[str]:
    """Items that somebody has deleted or replaced, or may have."""
    requests = (*history.pending.values(), *(e.request for e in effective(history.entries)))
    return {
        item_id
        for r in requests
        if isinstance(r.action, Delete) or (isinstance(r.action, Add) and r.action.replace)
        for item_id in r.action.ids
    }


def operations(history: History, found: Found, memory: Memory) -> Iterator[str]:
    """Each training that was promised is there, makes one model, and ends once."""
    there = {operation.name: operation for operation in found.operations}
    if len(there) != len(found.operations):
        yield "an operation is listed twice"
    told = [e for e in history.entries if isinstance(e.result, Queued)]
    promised = {e.result.operation: e.result.model for e in told if isinstance(e.result, Queued)}
    yield from named("operations are lost", promised.keys() - there.keys())
    wrong = [n for n in promised.keys() & there.keys() if there[n].model != promised[n]]
    yield from named("operations make another model", wrong)
    waiting = [r for r in history.pending.values() if isinstance(r.action, Train)]
    if len(there.keys() - promised.keys()) > len(waiting):
        yield from named("operations come from nowhere", there.keys() - promised.keys())
    if sum(not operation.outcome for operation in there.values()) > 2:
        yield "more than one training waits while another runs"
    for name, outcome in memory.outcomes.items():
        if name in there and there[name].outcome != outcome:
            yield f"operation {name} ended twice"
    memory.outcomes |= {n: o.outcome for n, o in there.items() if o.outcome}
    yield from _models(found)


def _models(found: Found) -> Iterator[str]:
    models = dict(found.models)
    yield from differ(
        "models", sorted(o.model for o in found.operations), sorted(n for n, _ in found.models)
    )
    for operation in found.operations:
        failed = operation.outcome.startswith("error")
        right = "FAILED" if failed else "READY"
        if operation.outcome and models.get(operation.model, right) != right:
            yield f"{operation.model} is {models[operation.model]}, not {right}"
