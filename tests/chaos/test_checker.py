"""The checker of the chaos test itself: it must see each way in which a history can be wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.call import NEVER, Call
from tests.chaos.checker import complaints
from tests.e2e.found import Found, FoundBatch, FoundItem, FoundLabel, FoundOperation
from tests.e2e.history import (
    Action,
    Add,
    Answer,
    Ask,
    Cancel,
    Count,
    Delete,
    Follow,
    Handed,
    Hold,
    Look,
    Outcome,
    Queued,
    Refused,
    Release,
    Renew,
    Request,
    Result,
    Seen,
    Statuses,
    Submit,
    Train,
)

ONE, TWO = "projects/p/batches/b-1", "projects/p/batches/b-2"
BATCH = Handed(ONE, ("x", "y"), "told", Hold(100, 1100, ("x", "y"), 1))
LATER = Handed(TWO, ("y",), "told", Hold(1100, 9900, ("y",), 4))
STEPS: tuple[tuple[str, Action, Result], ...] = (
    ("add", Add(("x", "y", "z"), ("", "", "")), Count((3, 0, 0, 0, 1))),
    ("look", Look(), Seen(1)),
    ("ask", Ask("ann", "", 2, 1), BATCH),
    ("submit", Submit((Answer(1, "x", "ann", "cat"),)), Statuses(("RECORDED",))),
    ("train", Train(force=False), Queued("o", "m")),
    ("follow", Follow("o"), Outcome("made it")),
    ("later", Ask("bob", "", 1, 9), LATER),
    ("delete", Delete(("z",)), Count((1, 0, 6))),
)
LABEL = FoundLabel(1, "x", "ann", "cat", batch=ONE, provenance="QUERIED", settled=True)
LABEL = replace(LABEL, create_ms=200)
FOUND = Found(
    items=(FoundItem("x", settled_class="cat"), FoundItem("y")),
    labels=(LABEL,),
    settled_labels=(LABEL,),
    batches=(
        FoundBatch(TWO, "bob", (("y", "OPEN"),), 9900, 1100),
        FoundBatch(ONE, "ann", (("x", "ANSWERED"), ("y", "RELEASED")), 1100, 100),
    ),
    operations=(FoundOperation("o", "m", 1, "made it"),),
    models=(("m", "READY"),),
    revision=6,
    counts=(("item_count", 2), ("settled_count", 1)),
)


def call(name: str, action: Action, result: Result | None, at: int, **more: Any) -> Call:
    """One that begins at `at` and takes five."""
    times = {"begin_ns": at, "end_ns": at + 5} | more
    return Call(Request(name, 0, action), result=result, **times)


def steps(*more: Call) -> list[Call]:
    """The history that explains FOUND, one call after the other, and `more`."""
    regular = [call(*step, 10 * number) for number, step in enumerate(STEPS, start=1)]
    names = {each.request.client for each in more if each.result is not None}
    repeated = {each.request.client for each in more if each.begin_ns > 1000}
    return [c for c in regular if c.request.client not in names - repeated] + list(more)


def said(calls: Sequence[Call], *founds: Found) -> list[str]:
    return complaints(calls, founds or (FOUND, FOUND, FOUND))


def test_a_history_that_explains_the_state_is_left_in_peace() -> None:
    assert said(steps()) == []


EARLY = replace(LATER, hold=Hold(1099, 9900, ("y",), 4))
NO_BATCH = replace(FOUND, batches=FOUND.batches[1:])
LOST = call("lost", Ask("bob", "", 1, 9), None, 65, end_ns=NEVER)
CALLS: dict[str, tuple[str, list[Call]]] = {
    "an item leased before its lease was over": (
        "leased to two batches at once: y in projects/p/batches/b-2 and projects/p/batches/b-1",
        steps(call("later", STEPS[6][1], EARLY, 70)),
    ),
    "an item released too late to be leased": (
        "leased to two batches at once",
        steps(call("later", STEPS[6][1], EARLY, 70), call("r", Release(ONE), Handed(ONE, ()), 80)),
    ),
    "a lease that was renewed and did not hold": (
        "leased to two batches at once",
        steps(call("renew", Renew(ONE), Handed(ONE, (), hold=Hold(900, 7900, ("y",))), 55)),
    ),
    "a settled item handed out": (
        "settled items were handed out: x in projects/p/batches/b-1",
        steps(call("ask", STEPS[2][1], replace(BATCH, hold=Hold(300, 1100, ("x", "y"), 1)), 30)),
    ),
    "a look at the past": (
        "saw a revision that was over: late-0 at 5 after 6",
        steps(call("late", Look(), Seen(5), 90)),
    ),
    "a query on an old snapshot": (
        "saw a revision that was over: ask-0 at 1 after 2",
        steps(call("look", Look(), Seen(2), 20)),
    ),
    "a change without a revision of its own": (
        "saw a revision that was over: delete-0 at 6 after 6",
        steps(call("soon", Look(), Seen(6), 73)),
    ),
    "two changes with one revision": (
        "revisions belong to two changes: 6",
        steps(call("other", Delete(("z",)), Count((1, 0, 6)), 79)),
    ),
    "another answer to the same request": (
        "requests got two different answers: ask-0",
        steps(call("ask", STEPS[2][1], replace(BATCH, ids=("y", "x")), 2000)),
    ),
    "a refusal after an answer": (
        "requests got two different answers: submit-0",
        steps(call("submit", STEPS[3][1], Refused("CONFLICT"), 2000)),
    ),
    "a refusal that nothing explains": (
        "calls were refused: odd-0: SEGMENT_CORRUPT",
        steps(call("odd", Look(), Refused("SEGMENT_CORRUPT"), 90)),
    ),
    "no answer in time": (
        "got no answer in time: slow-0 (gone)",
        steps(call("slow", Look(), None, 90, failure="gone")),
    ),
    "an operation that ended otherwise before": (
        "operations ended twice: o",
        steps(call("follow", Follow("o"), Outcome("failed"), 60)),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_checker_sees_in_the_history(name: str) -> None:
    words, calls = CALLS[name]
    found = said(calls)
    assert any(words in text for text in found), found


STOPPED = (FoundOperation("o", "m", 1, "error 1: the operation was cancelled"),)
DOUBLED = FoundBatch("projects/p/batches/b-3", "bob", (("y", "RELEASED"),), 5000, 2000)
STATES: dict[str, tuple[str, Callable[[Found], Found]]] = {
    "a lost label": ("labels are lost", lambda f: replace(f, labels=(), settled_labels=())),
    "a doubled label": ("labels stand twice", lambda f: replace(f, labels=(LABEL, LABEL))),
    "a strange label": (
        "labels come from nowhere",
        lambda f: replace(f, labels=(LABEL, replace(LABEL, token=7))),
    ),
    "a lost item": ("items are lost", lambda f: replace(f, items=f.items[1:])),
    "a doubled item": ("items stand twice", lambda f: replace(f, items=(*f.items, f.items[0]))),
    "a lost batch": ("batches are lost", lambda f: replace(f, batches=f.batches[1:])),
    "a batch that nobody asked for, on a leased item": (
        "leased to two batches at once",
        lambda f: replace(f, batches=(*f.batches, DOUBLED)),
    ),
    "an operation without an end": (
        "operations never ended: o",
        lambda f: replace(f, operations=(FoundOperation("o", "m", 1, ""),)),
    ),
    "an operation that nobody cancelled": (
        "cancelled by nobody: o",
        lambda f: replace(f, operations=STOPPED, models=(("m", "FAILED"),)),
    ),
    "a lost operation": ("operations are lost", lambda f: replace(f, operations=(), models=())),
    "a revision that goes back": ("the revision went back", lambda f: replace(f, revision=5)),
}


@pytest.mark.parametrize("name", STATES)
def test_the_checker_sees_in_the_state(name: str) -> None:
    words, change = STATES[name]
    found = said(steps(), change(FOUND), change(FOUND))
    assert any(words in text for text in found), found


def test_the_checker_sees_replicas_that_disagree() -> None:
    assert said(steps(), FOUND, replace(FOUND, revision=7)) == ["replicas disagree about revision"]
    counted = replace(FOUND, counts=(("item_count", 3), ("settled_count", 1)))
    assert said(steps(), FOUND, counted) == ["replicas disagree about counts"]


def test_how_much_is_leased_out_may_change_from_one_replica_to_the_next() -> None:
    later = replace(FOUND, counts=(*FOUND.counts, ("leased_count", 1)))
    assert not said(steps(), FOUND, later)


@pytest.mark.parametrize("state", [FOUND, NO_BATCH])
def test_what_nobody_heard_of_may_have_happened(state: Found) -> None:
    asked = [each for each in steps() if each.request.client != "later"]
    forgotten = call("lost", Ask("bob", "", 1, 9), None, 65, hurried=True)
    assert said([*asked, forgotten], state) == []


def test_a_request_counts_from_its_first_sending() -> None:
    """It got its answer at the second one, and took effect before the look in between."""
    first = call("delete", STEPS[7][1], None, 72, failure="lost", hurried=True)
    seen = call("seen", Look(), Seen(6), 78)
    again = call("delete", STEPS[7][1], STEPS[7][2], 90)
    assert said([*steps()[:-1], first, seen, again]) == []


def test_a_lease_may_end_early_by_a_release_an_answer_or_a_deletion() -> None:
    early = [call("later", STEPS[6][1], EARLY, 70)]
    release = call("r", Release(ONE), Handed(ONE, ()), 69)
    assert said(steps(*early, release)) == []
    stopped = replace(FOUND, operations=STOPPED, models=(("m", "FAILED"),))
    ended = call("follow", Follow("o"), Outcome(STOPPED[0].outcome), 60)
    cancel = call("c", Cancel("o"), Outcome(), 55)
    assert said(steps(ended, cancel), stopped) == []
