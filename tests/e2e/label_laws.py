"""Laws of the labels: the log has each answer once, and what is settled follows from it."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.e2e.complaint import differ, named
from tests.e2e.expected import adds_of, believed, settling, statuses_of
from tests.e2e.found import Found, FoundLabel
from tests.e2e.history import Answer, History, Statuses, Submit, effective
from tests.e2e.memory import Memory


def labels(history: History, found: Found) -> Iterator[str]:
    """The log has each recorded answer once, as it was given, and no other."""
    rows: dict[int, list[FoundLabel]] = defaultdict(list)
    for row in found.labels:
        rows[row.token].append(row)
    rows.pop(0, None)
    yield from named("labels stand twice", [t for t, same in rows.items() if len(same) > 1])
    known: dict[int, tuple[Answer, str | None]] = {}
    for request in history.pending.values():
        if isinstance(request.action, Submit):
            known |= {answer.token: (answer, None) for answer in request.action.answers}
    known |= {answer.token: (answer, status) for answer, status in _told(history)}
    yield from named("labels come from nowhere", [t for t in rows if t not in known])
    recorded = {t for t, (_, s) in known.items() if s in ("RECORDED", "LATE", "DISAGREES")}
    yield from named("labels are lost", recorded - rows.keys())
    unwanted = {t for t, (_, s) in known.items() if s in ("DUPLICATE", "ITEM_DELETED")}
    yield from named("labels should not be recorded", unwanted & rows.keys())
    yield from named(
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


def imports(history: History, found: Found) -> Iterator[str]:
    """Each label that came with an item is there once for each life that it came with."""
    rows = Counter((row.item_id, row.class_id) for row in found.labels if row.token == 0)
    sure, maybe = adds_of(history)
    wrong = [key for key in rows.keys() | sure.keys() if not _within(rows, sure, maybe, key)]
    yield from named("labels that came with items are lost or doubled", wrong)


def _within(
    rows: Counter[tuple[str, str]],
    sure: Counter[tuple[str, str]],
    maybe: Counter[tuple[str, str]],
    key: tuple[str, str],
) -> bool:
    return sure[key] <= rows[key] <= sure[key] + maybe[key]


def append_only(found: Found, memory: Memory) -> Iterator[str]:
    """The log grows at its end and nowhere else."""
    log = tuple(row.fixed for row in found.labels)
    if log[: len(memory.log)] != memory.log:
        yield "the log of labels was rewritten"
    memory.log = log


def settled(found: Found) -> Iterator[str]:
    """What is settled is what the rules make of the log."""
    alive = {(item.item_id, item.incarnation): item for item in found.items}
    seats = {key: row for key, row in believed(found.labels).items() if key in alive}
    marked = [row.fixed for row in found.labels if row.settled]
    listed = [row.fixed for row in found.settled_labels]
    expected = sorted(map(repr, (row.fixed for row in seats.values())))
    yield from differ("settled rows of the log", expected, sorted(map(repr, marked)))
    yield from differ("the list of settled labels", expected, sorted(map(repr, listed)))
    wrong = [
        item.item_id
        for key, item in alive.items()
        if item.settled_class != (seats[key].class_id if key in seats else "")
    ]
    yield from named("items show the wrong class", wrong)


def statuses(history: History, found: Found) -> Iterator[str]:
    """The status of an answer fits the state of its item when it was recorded."""
    right = statuses_of(found.labels)
    wrong = [
        answer.token
        for answer, status in _told(history)
        if answer.token in right and (status == "DISAGREES") != right[answer.token]
    ]
    yield from named("labels got the wrong status", wrong)


def answered(found: Found) -> Iterator[str]:
    """An item of a batch is answered if, and only if, the log has an answer that ends the waiting:
    one of the batch's own annotator, or one that settled the item."""
    owner = {batch.name: batch.annotator for batch in found.batches}
    ended = settling(found.labels)
    ending = {
        (row.batch, row.item_id)
        for row in found.labels
        if row.batch and (row.token in ended or row.annotator == owner.get(row.batch))
    }
    shown = {(b.name, i) for b in found.batches for i, state in b.items if state == "ANSWERED"}
    yield from named("items are answered without a label", shown - ending)
    yield from named("items have a label and are not answered", ending - shown)
