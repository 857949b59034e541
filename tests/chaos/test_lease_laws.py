"""What ends a lease, and what only looks like it: each excuse of the laws, and its neighbours."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest

from tests.chaos.call import Call
from tests.chaos.lease_laws import one_holder, only_open_items
from tests.e2e.found import Found, FoundBatch, FoundLabel
from tests.e2e.history import (
    Action,
    Add,
    Answer,
    Ask,
    Count,
    Delete,
    Handed,
    Hold,
    Refused,
    Release,
    Request,
    Result,
    Statuses,
    Submit,
)

ONE, TWO = "projects/p/batches/b-1", "projects/p/batches/b-2"
DELETE, RENEWED = Delete(("x",)), Add(("x",), ("",), replace=True)
DONE: Final = Count((1, 0, 9))
CLOSED, BUSY = Refused("BATCH_CLOSED"), Refused("OVERLOADED")


def call(action: Action, result: Result | None, begin: int, end: int, name: str = "c") -> Call:
    return Call(Request(name, begin, action), begin, end, result)


def again(first: Call, result: Result | None, begin: int) -> Call:
    return Call(first.request, begin, begin + 5, result)


def asked(batch: str, begin: int, from_ms: int) -> Call:
    hold = Hold(from_ms, 9000, ("x",), 1)
    return call(Ask(batch, "", 1, 1), Handed(batch, ("x",), "", hold), begin, begin + 10)


def row(token: int, create_ms: int, annotator: str = "eve", **more: str | int) -> FoundLabel:
    label = FoundLabel(token, "x", annotator, "cat", create_ms=create_ms)
    return replace(label, **more)  # type: ignore[arg-type]


BATCHES: Final = (
    FoundBatch(ONE, "ann", (("x", "OPEN"),), 9000, 100),
    FoundBatch(TWO, "bob", (("x", "OPEN"),), 9000, 500),
)
# The item in two batches: given between 100 and 110 (ns) at 100 ms, and 200 and 210 at 500 ms.
TWICE: Final = (asked(ONE, 100, 100), asked(TWO, 200, 500))
LOST: Final = call(DELETE, None, 150, 160)


def doubled(calls: Sequence[Call], labels: Sequence[FoundLabel] = ()) -> bool:
    found = Found(batches=BATCHES, labels=tuple(labels))
    return bool(list(one_holder([*TWICE, *calls], found)))


NO_END: dict[str, Sequence[Call]] = {
    "nothing": [],
    "a deletion before the earlier lease": [call(DELETE, DONE, 80, 90)],
    "a deletion after the later lease": [call(DELETE, DONE, 220, 230)],
    "a deletion of another item": [call(Delete(("y",)), DONE, 150, 160)],
    "a new life before the earlier lease": [call(RENEWED, DONE, 80, 90)],
    "a new life after the later lease": [call(RENEWED, DONE, 220, 230)],
    "an upload that begins no life": [call(replace(RENEWED, replace=False), DONE, 150, 160)],
    "a refused deletion": [call(DELETE, BUSY, 150, 160)],
    "a refused new life": [call(RENEWED, BUSY, 150, 160)],
    "a refused release": [call(Release(ONE), CLOSED, 150, 160)],
    "a release after the later lease": [call(Release(ONE), Handed(ONE, ()), 220, 230)],
    "a release of the later lease": [call(Release(TWO), Handed(TWO, ()), 150, 160)],
    "a deletion after it that nobody knows of": [call(DELETE, None, 220, 230)],
}


@pytest.mark.parametrize("calls", NO_END.values(), ids=NO_END.keys())
def test_a_lease_is_not_ended_by(calls: Sequence[Call]) -> None:
    assert doubled(calls)


ENDS: dict[str, Sequence[Call]] = {
    "a deletion": [call(DELETE, DONE, 150, 160)],
    "a deletion under way when the earlier lease was given": [call(DELETE, DONE, 80, 101)],
    "a deletion under way when the later lease was given": [call(DELETE, DONE, 209, 230)],
    "a new life": [call(RENEWED, DONE, 150, 160)],
    "a release": [call(Release(ONE), Handed(ONE, ()), 150, 160)],
    "a deletion that nobody knows of": [call(DELETE, None, 80, 90)],
    "a deletion that was sent again and refused": [LOST, again(LOST, BUSY, 170)],
    "a deletion that was sent again later": [LOST, again(LOST, DONE, 300)],
    "a deletion refused at its second attempt": [replace(LOST, result=BUSY, attempts=2)],
}


@pytest.mark.parametrize("calls", ENDS.values(), ids=ENDS.keys())
def test_a_lease_may_have_been_ended_by(calls: Sequence[Call]) -> None:
    assert not doubled(calls)


NO_ANSWERS: dict[str, Sequence[FoundLabel]] = {
    "a label of before": [row(1, 99)],
    "the holder's label of before": [row(1, 99, "ann")],
    "a label of after": [row(1, 501)],
    "somebody's abstention": [row(1, 300, outcome="ABSTAIN")],
    "a second opinion": [row(1, 50), row(2, 300)],
    "the later holder's abstention": [row(1, 300, "bob", outcome="ABSTAIN")],
}


@pytest.mark.parametrize("labels", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_a_lease_is_not_ended_by_the_row(labels: Sequence[FoundLabel]) -> None:
    assert doubled([], labels)


ANSWERS: dict[str, Sequence[FoundLabel]] = {
    "at once": [row(1, 100)],
    "at last": [row(1, 500)],
    "the holder's second opinion": [row(1, 50), row(2, 300, "ann")],
    "the holder's abstention": [row(1, 300, "ann", outcome="ABSTAIN")],
    "a correction": [row(1, 50), row(2, 300, provenance="CORRECTED")],
    "the first one of a later life": [row(1, 50), row(2, 300, incarnation=2)],
}


@pytest.mark.parametrize("labels", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_lease_is_ended_by_the_row(labels: Sequence[FoundLabel]) -> None:
    assert not doubled([], labels)


# The item is settled at 50 ms, between 60 and 70 (ns), and handed out to the first one above.
SAID: Final = call(Submit((Answer(1, "x", "eve", "cat"),)), Statuses(("RECORDED",)), 60, 70)
CARRIED: Final = call(Add(("x",), ("cat",), replace=True), DONE, 60, 70)
SETTLED: Final = {"a label": (SAID, row(1, 50)), "an upload's label": (CARRIED, row(0, 50))}
REFUSED: Final = call(DELETE, BUSY, 80, 90)
OPENS: dict[str, tuple[bool, Sequence[Call]]] = {
    "nothing": (False, []),
    "a deletion before the label": (False, [call(DELETE, DONE, 40, 50)]),
    "a deletion afterwards": (False, [call(DELETE, DONE, 120, 130)]),
    "a new life afterwards": (False, [call(RENEWED, DONE, 120, 130)]),
    "a refused deletion": (False, [REFUSED]),
    "a deletion": (True, [call(DELETE, DONE, 80, 90)]),
    "a new life": (True, [call(RENEWED, DONE, 80, 90)]),
    "a deletion under way at the label": (True, [call(DELETE, DONE, 40, 61)]),
    "a deletion under way at the lease": (True, [call(DELETE, DONE, 109, 130)]),
    "a deletion that nobody knows of": (True, [call(DELETE, None, 40, 50)]),
    "a deletion sent again and refused": (True, [replace(REFUSED, result=None), REFUSED]),
}


@pytest.mark.parametrize("name", OPENS)
@pytest.mark.parametrize("kind", SETTLED)
def test_a_settled_item_is_open_again_after(name: str, kind: str) -> None:
    legal, calls = OPENS[name]
    said, label = SETTLED[kind]
    found = Found(batches=BATCHES[:1], labels=(label,))
    told = list(only_open_items([said, TWICE[0], *calls], found))
    assert told == ([] if legal else [f"1 settled items were handed out: x in {ONE}"])


def test_the_last_label_before_the_lease_is_the_one_that_counts() -> None:
    """An earlier life of the item ended; the one that was handed out did not."""
    first, deleted = SAID, call(DELETE, DONE, 75, 80)
    second = call(Submit((Answer(2, "x", "eve", "cat"),)), Statuses(("RECORDED",)), 85, 90)
    found = Found(batches=BATCHES[:1], labels=(row(1, 50), row(2, 70, incarnation=2)))
    assert list(only_open_items([first, deleted, second, TWICE[0]], found))
    later = replace(found, labels=(row(1, 50), row(2, 110, incarnation=2)))
    assert not list(only_open_items([first, deleted, second, TWICE[0]], later))


UNHEARD: dict[str, tuple[bool, Call]] = {
    "before what was given before it": (False, call(DELETE, DONE, 80, 90)),
    "between": (True, call(DELETE, DONE, 150, 160)),
    "after what was given after it": (False, call(DELETE, DONE, 320, 330)),
}


@pytest.mark.parametrize("name", UNHEARD)
def test_a_batch_that_nobody_heard_of_lies_between_the_calls_around_it(name: str) -> None:
    legal, deletion = UNHEARD[name]
    after = call(Ask("y", "", 1, 1), Handed("b-3", (), "", Hold(600, 9000, ("y",))), 300, 310)
    told = list(one_holder([TWICE[0], after, deletion], Found(batches=BATCHES)))
    assert told == (
        [] if legal else [f"1 items were leased to two batches at once: x in {TWO} and {ONE}"]
    )
