"""Laws of the pool: what was added, changed and deleted is so, and counted."""

from collections import Counter
from collections.abc import Iterator

from tests.e2e.complaint import named
from tests.e2e.expected import Pool, apply, believed, expected_pool, matches
from tests.e2e.found import Found
from tests.e2e.history import Add, Count, Delete, History, Update
from tests.e2e.memory import Memory


def items(history: History, found: Found) -> Iterator[str]:
    """The pool holds exactly what was added and not deleted, with the cost it got last."""
    counts = Counter(item.item_id for item in found.items)
    yield from named("items stand twice", [i for i, n in counts.items() if n > 1])
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
    yield from named("items are lost", [i for i in bad if i not in there])
    yield from named(
        "items should not be there", [i for i in bad if i in there and not _alive(pool, i)]
    )
    yield from named(
        "items have the wrong cost", [i for i in bad if i in there and _alive(pool, i)]
    )


def _alive(pool: Pool, item_id: str) -> bool:
    return item_id in pool and pool[item_id].alive


def lives(history: History, found: Found, memory: Memory) -> Iterator[str]:
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
    yield from named("items changed their incarnation", wrong)


def _unsure_ids(history: History) -> set[str]:
    actions = [request.action for request in history.pending.values()]
    return {i for a in actions if isinstance(a, Add | Delete | Update) for i in a.ids}


def counts(found: Found) -> Iterator[str]:
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


def revisions(history: History, found: Found, memory: Memory) -> Iterator[str]:
    """The revision never goes back, and shows what was acknowledged."""
    told = [e.result.numbers[-1] for e in history.entries if isinstance(e.result, Count)]
    if found.revision < max([memory.revision, *told]):
        yield f"the revision went back to {found.revision}"
    memory.revision = found.revision
