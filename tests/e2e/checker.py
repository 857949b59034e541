"""Compares what clients were told with what the server says now: every law is one function.

A request without an answer may have happened or not, but as a whole. All else must be there,
once. See `history` and `found` for the two sides.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.e2e.expected import (
    Pool,
    adds_of,
    apply,
    believed,
    expected_pool,
    matches,
    statuses_of,
)
from tests.e2e.found import Found, FoundItem, FoundLabel
from tests.e2e.history import (
    Add,
    Answer,
    Ask,
    Count,
    Delete,
    Handed,
    History,
    Queued,
    Release,
    Statuses,
    Submit,
    Train,
    Update,
    effective,
)

_SHOWN: Final = 5


@dataclass(slots=True)
class Memory:
    """What earlier states have shown, and later ones must not contradict."""

    log: tuple[FoundLabel, ...] = ()
    lives: dict[tuple[str, int], int] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    revision: int = 0


def complaints(history: History, found: Found, memory: Memory | None = None) -> list[str]:
    """Everything that is wrong, in words; empty if nothing is."""
    seen = memory or Memory()
    laws: Iterable[Callable[[], Iterator[str]]] = (
        lambda: iter(history.complaints),
        lambda: _items(history, found),
        lambda: _lives(history, found, seen),
        lambda: _labels(history, found),
        lambda: _imports(history, found),
        lambda: _append_only(found, seen),
        lambda: _settled(found),
        lambda: _statuses(history, found),
        lambda: _batches(history, found),
        lambda: _leases(history, found),
        lambda: _answered(found),
        lambda: _operations(history, found, seen),
        lambda: _counts(found),
        lambda: _revisions(history, found, seen),
    )
    return [text for law in laws for text in law()]


def _items(history: History, found: Found) -> Iterator[str]:
    """The pool holds exactly what was added and not deleted, with the cost it got last."""
    counts = Counter(item.item_id for item in found.items)
    yield from _named("items stand twice", [i for i, n in counts.items() if n > 1])
    there = {item.item_id: item for item in found.items}
    pool = expected_pool(history)
    unsure: set[str] = set()
    for request in history.pending.values():
        if isinstance(request.action, Add | Delete | Update):
            ids = set(request.action.ids)
            after: Pool = {i: pool[i] for i in ids if i in pool}
            apply(request.action, after)
            before = {i: pool[i] for i in ids if i in pool}
            if not (matches(ids, before, there) or matches(ids, after, there)):
                yield f"{request.request_id} is half done: {type(request.action).__name__}"
            unsure |= ids
    wrong = [i for i in pool.keys() | there.keys() if i not in unsure]
    bad = [i for i in wrong if not matches({i}, pool, there)]
    yield from _named("items are lost", [i for i in bad if i not in there])
    yield from _named(
        "items should not be there", [i for i in bad if i in there and not _alive(pool, i)]
    )
    yield from _named(
        "items have the wrong cost", [i for i in bad if i in there and _alive(pool, i)]
    )


def _alive(pool: Pool, item_id: str) -> bool:
    return item_id in pool and pool[item_id].alive


def _lives(history: History, found: Found, memory: Memory) -> Iterator[str]:
    """An item keeps its incarnation as long as it lives, and gets a greater one after that."""
    pool, unsure = expected_pool(history), _unsure_ids(history)
    wrong = []
    for item in found.items:
        if item.item_id not in pool or item.item_id in unsure:
            continue
        life = pool[item.item_id].lives
        if memory.lives.setdefault((item.item_id, life), item.incarnation) != item.incarnation:
            wrong.append(item.item_id)
        if memory.lives.get((item.item_id, life - 1), 0) >= item.incarnation:
            wrong.append(item.item_id)
    yield from _named("items changed their incarnation", wrong)


def _unsure_ids(history: History) -> set[str]:
    actions = [request.action for request in history.pending.values()]
    return {i for a in actions if isinstance(a, Add | Delete | Update) for i in a.ids}


def _labels(history: History, found: Found) -> Iterator[str]:
    """The log has each recorded answer once, as it was given, and no other."""
    rows: dict[int, list[FoundLabel]] = defaultdict(list)
    for row in found.labels:
        rows[row.token].append(row)
    rows.pop(0, None)
    yield from _named("labels stand twice", [t for t, same in rows.items() if len(same) > 1])
    known: dict[int, tuple[Answer, str | None]] = {}
    for request in history.pending.values():
        if isinstance(request.action, Submit):
            known |= {answer.token: (answer, None) for answer in request.action.answers}
    known |= {answer.token: (answer, status) for answer, status in _told(history)}
    yield from _named("labels come from nowhere", [t for t in rows if t not in known])
    recorded = {t for t, (_, s) in known.items() if s in ("RECORDED", "LATE", "DISAGREES")}
    yield from _named("labels are lost", recorded - rows.keys())
    unwanted = {t for t, (_, s) in known.items() if s in ("DUPLICATE", "ITEM_DELETED")}
    yield from _named("labels should not be recorded", unwanted & rows.keys())
    yield from _named(
        "labels were changed",
        [t for t, same in rows.items() if t in known and not _same(known[t][0], same[0])],
    )


def _told(history: History) -> Iterator[tuple[Answer, str]]:
    for entry in effective(history.entries):
        action, result = entry.request.action, entry.result
        if isinstance(action, Submit) and isinstance(result, Statuses):
            yield from zip(action.answers, result.statuses, strict=True)


def _same(answer: Answer, row: FoundLabel) -> bool:
    said = (answer.item_id, answer.annotator, answer.class_id, answer.outcome)
    corrected = (row.provenance == "CORRECTED") == answer.corrected
    return said == (row.item_id, row.annotator, row.class_id, row.outcome) and corrected


def _imports(history: History, found: Found) -> Iterator[str]:
    """Each label that came with an item is there once for each life that it came with."""
    rows = Counter((row.item_id, row.class_id) for row in found.labels if row.token == 0)
    sure, maybe = adds_of(history)
    wrong = [key for key in rows.keys() | sure.keys() if not _within(rows, sure, maybe, key)]
    yield from _named("labels that came with items are lost or doubled", wrong)


def _within(
    rows: Counter[tuple[str, str]],
    sure: Counter[tuple[str, str]],
    maybe: Counter[tuple[str, str]],
    key: tuple[str, str],
) -> bool:
    return sure[key] <= rows[key] <= sure[key] + maybe[key]


def _append_only(found: Found, memory: Memory) -> Iterator[str]:
    """The log grows at its end and nowhere else."""
    log = tuple(row.fixed for row in found.labels)
    if log[: len(memory.log)] != memory.log:
        yield "the log of labels was rewritten"
    memory.log = log


def _settled(found: Found) -> Iterator[str]:
    """What is settled is what the rules make of the log."""
    alive = {(item.item_id, item.incarnation): item for item in found.items}
    seats = {key: row for key, row in believed(found.labels).items() if key in alive}
    marked = [row.fixed for row in found.labels if row.settled]
    listed = [row.fixed for row in found.settled_labels]
    expected = sorted(map(repr, (row.fixed for row in seats.values())))
    yield from _differ("settled rows of the log", expected, sorted(map(repr, marked)))
    yield from _differ("the list of settled labels", expected, sorted(map(repr, listed)))
    wrong = [
        item.item_id
        for key, item in alive.items()
        if item.settled_class != (seats[key].class_id if key in seats else "")
    ]
    yield from _named("items show the wrong class", wrong)


def _statuses(history: History, found: Found) -> Iterator[str]:
    """The status of an answer fits the state of its item when it was recorded."""
    right = statuses_of(found.labels)
    wrong = [
        answer.token
        for answer, status in _told(history)
        if answer.token in right and (status == "DISAGREES") != right[answer.token]
    ]
    yield from _named("labels got the wrong status", wrong)


def _batches(history: History, found: Found) -> Iterator[str]:
    """Each batch that was handed out is there as it was, once; others only if they may be."""
    there = {batch.name: batch for batch in found.batches}
    if len(there) != len(found.batches):
        yield "a batch is listed twice"
    handed = {
        entry.result.batch: entry.result.ids
        for entry in history.entries
        if isinstance(entry.request.action, Ask) and isinstance(entry.result, Handed)
    }
    yield from _named("batches are lost", handed.keys() - there.keys())
    kept = {n: tuple(i for i, _ in b.items) for n, b in there.items()}
    changed = [n for n in handed.keys() & there.keys() if kept[n] != handed[n]]
    yield from _named("batches were changed", changed)
    waiting = [r.action.annotator for r in history.pending.values() if isinstance(r.action, Ask)]
    strange = Counter(there[name].annotator for name in there.keys() - handed.keys())
    yield from _named("batches come from nowhere", strange - Counter(waiting))


def _leases(history: History, found: Found) -> Iterator[str]:
    """No item waits in two batches; none that waits is deleted or settled; no lease is lost."""
    waiting = Counter(i for b in found.batches for i, state in b.items if state == "OPEN")
    yield from _named("items are leased twice", [i for i, n in waiting.items() if n > 1])
    items = {item.item_id: item for item in found.items}
    yield from _named("deleted items are leased", waiting.keys() - items.keys())
    seats = believed(found.labels)
    settled = {i for i, item in items.items() if (i, item.incarnation) in seats}
    yield from _named("settled items are leased", waiting.keys() & settled)
    released = {
        r.action.batch
        for r in (*history.pending.values(), *(e.request for e in history.entries))
        if isinstance(r.action, Release)
    }
    for entry in effective(history.entries):
        if not isinstance(entry.request.action, Ask) or entry.request.action.lease_s < 3600:
            continue
        batch = entry.result.batch if isinstance(entry.result, Handed) else ""
        if batch in released:
            continue
        states = {b.name: dict(b.items) for b in found.batches}.get(batch, {})
        gone = [i for i, s in states.items() if s == "RELEASED" and _untouched(history, i)]
        yield from _named(f"leases of {batch} are lost", gone)


def _untouched(history: History, item_id: str) -> bool:
    """Whether nobody ever deleted or replaced the item, or may have."""
    requests = (*history.pending.values(), *(e.request for e in effective(history.entries)))
    return not any(
        (isinstance(r.action, Delete) or (isinstance(r.action, Add) and r.action.replace))
        and item_id in r.action.ids
        for r in requests
    )


def _answered(found: Found) -> Iterator[str]:
    """An item of a batch is answered if, and only if, the log has an answer from that batch."""
    said = {(row.batch, row.item_id) for row in found.labels if row.batch}
    shown = {(b.name, i) for b in found.batches for i, state in b.items if state == "ANSWERED"}
    yield from _named("items are answered without a label", shown - said)
    yield from _named("items have a label and are not answered", said - shown)


def _operations(history: History, found: Found, memory: Memory) -> Iterator[str]:
    """Each training that was promised is there, makes one model, and ends once."""
    there = {operation.name: operation for operation in found.operations}
    if len(there) != len(found.operations):
        yield "an operation is listed twice"
    told = [e for e in history.entries if isinstance(e.result, Queued)]
    promised = {e.result.operation: e.result.model for e in told if isinstance(e.result, Queued)}
    yield from _named("operations are lost", promised.keys() - there.keys())
    wrong = [n for n in promised.keys() & there.keys() if there[n].model != promised[n]]
    yield from _named("operations make another model", wrong)
    waiting = [r for r in history.pending.values() if isinstance(r.action, Train)]
    if len(there.keys() - promised.keys()) > len(waiting):
        yield from _named("operations come from nowhere", there.keys() - promised.keys())
    if sum(not operation.outcome for operation in there.values()) > 1:
        yield "two trainings run at once"
    for name, outcome in memory.outcomes.items():
        if name in there and there[name].outcome != outcome:
            yield f"operation {name} ended twice"
    memory.outcomes |= {n: o.outcome for n, o in there.items() if o.outcome}
    yield from _models(found)


def _models(found: Found) -> Iterator[str]:
    models = dict(found.models)
    yield from _differ(
        "models", sorted(o.model for o in found.operations), sorted(n for n, _ in found.models)
    )
    for operation in found.operations:
        failed = operation.outcome.startswith("error")
        right = "FAILED" if failed else "READY"
        if operation.outcome and models.get(operation.model, right) != right:
            yield f"{operation.model} is {models[operation.model]}, not {right}"


def _counts(found: Found) -> Iterator[str]:
    """The project counts what is there."""
    alive = {(item.item_id, item.incarnation) for item in found.items}
    seats = [row for key, row in believed(found.labels).items() if key in alive]
    right = {
        "item_count": len(found.items),
        "settled_count": sum(row.outcome in ("VALUE", "UNSURE") for row in seats),
        "unusable_count": sum(row.outcome == "UNUSABLE" for row in seats),
    }
    counts = dict(found.counts)
    for name, number in right.items():
        if counts.get(name, 0) != number:
            yield f"{name} is {counts.get(name, 0)}, not {number}"


def _revisions(history: History, found: Found, memory: Memory) -> Iterator[str]:
    """The revision never goes back, and shows what was acknowledged."""
    told = [e.result.numbers[-1] for e in history.entries if isinstance(e.result, Count)]
    if found.revision < max([memory.revision, *told]):
        yield f"the revision went back to {found.revision}"
    memory.revision = found.revision


def _named(what: str, names: Iterable[object]) -> Iterator[str]:
    listed: Sequence[str] = sorted(map(str, names))
    if listed:
        more = ", ..." if len(listed) > _SHOWN else ""
        yield f"{len(listed)} {what}: {', '.join(listed[:_SHOWN])}{more}"


def _differ(what: str, expected: Sequence[str], got: Sequence[str]) -> Iterator[str]:
    missing, extra = Counter(expected) - Counter(got), Counter(got) - Counter(expected)
    yield from _named(f"{what}: missing", missing.elements())
    yield from _named(f"{what}: too many", extra.elements())


def by_id(items: Iterable[FoundItem]) -> Mapping[str, FoundItem]:
    """For look-ups."""
    return {item.item_id: item for item in items}
