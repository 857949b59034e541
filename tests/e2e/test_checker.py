"""The crash checker itself: it must see what went wrong in histories made by hand."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.e2e.checker import complaints
from tests.e2e.found import Found, FoundBatch, FoundItem, FoundLabel, FoundOperation
from tests.e2e.history import (
    Action,
    Add,
    Answer,
    Ask,
    Count,
    Delete,
    Entry,
    Handed,
    History,
    Queued,
    Request,
    Result,
    Statuses,
    Submit,
    Train,
    Update,
)
from tests.e2e.memory import Memory

BATCH, OTHER = "projects/p/batches/b-1", "projects/p/batches/b-2"
YES = Answer(1, "x", "ann", "cat")
STEPS: tuple[tuple[Action, Result], ...] = (
    (Add(("x", "y", "z"), ("", "", "bee")), Count((3, 0, 0, 1, 1))),
    (Update(("y",), 7.0), Count((1, 2))),
    (Ask("ann", "", 2, 3600), Handed(BATCH, ("x", "y"))),
    (Submit((YES,)), Statuses(("RECORDED",))),
    (Train(force=False), Queued("o", "m")),
)
LABEL = FoundLabel(1, "x", "ann", "cat", batch=BATCH, provenance="QUERIED", settled=True)
IMPORTED = FoundLabel(0, "z", "anonymous", "bee", settled=True)
RIGHT = Found(
    items=(
        FoundItem("x", settled_class="cat"),
        FoundItem("y", cost=7.0),
        FoundItem("z", settled_class="bee"),
    ),
    labels=(IMPORTED, LABEL),
    settled_labels=(IMPORTED, LABEL),
    batches=(FoundBatch(BATCH, "ann", (("x", "ANSWERED"), ("y", "OPEN"))),),
    operations=(FoundOperation("o", "m", 1, "made it"),),
    models=(("m", "READY"),),
    revision=5,
    counts=(("item_count", 3), ("settled_count", 2)),
)
Break = Callable[[Found], Found]


def history(*steps: tuple[Action, Result], pending: tuple[Action, ...] = ()) -> History:
    entries = [Entry(Request("c", number, a), r) for number, (a, r) in enumerate(steps)]
    under_way = {f"d{n}": Request(f"d{n}", 0, action) for n, action in enumerate(pending)}
    return History(entries, under_way)


def with_batch(name: str, *items: tuple[str, str]) -> Break:
    return lambda f: replace(f, batches=(*f.batches, FoundBatch(name, "ann", items)))


BREAKS: dict[str, tuple[str, Break]] = {
    "a lost label": ("labels are lost", lambda f: replace(f, labels=(IMPORTED,))),
    "a doubled label": ("labels stand twice", lambda f: replace(f, labels=(*f.labels, LABEL))),
    "a changed label": (
        "labels were changed",
        lambda f: replace(f, labels=(IMPORTED, replace(LABEL, class_id="bee"))),
    ),
    "a strange label": (
        "labels come from nowhere",
        lambda f: replace(f, labels=(*f.labels, replace(LABEL, token=9, settled=False))),
    ),
    "a lost import": ("came with items", lambda f: replace(f, labels=(LABEL,))),
    "a lost item": ("items are lost", lambda f: replace(f, items=f.items[1:])),
    "a doubled item": ("items stand twice", lambda f: replace(f, items=(*f.items, f.items[0]))),
    "a strange item": (
        "should not be there",
        lambda f: replace(f, items=(*f.items, FoundItem("ghost"))),
    ),
    "a lost update": (
        "wrong cost",
        lambda f: replace(f, items=(f.items[0], FoundItem("y"), f.items[2])),
    ),
    "a lost batch": ("batches are lost", lambda f: replace(f, batches=())),
    "a changed batch": (
        "batches were changed",
        lambda f: replace(f, batches=(FoundBatch(BATCH, "ann", (("x", "ANSWERED"),)),)),
    ),
    "a double lease": ("leased twice", with_batch(OTHER, ("y", "OPEN"))),
    "a lease on a settled item": ("settled items are leased", with_batch(OTHER, ("z", "OPEN"))),
    "a lease on a deleted item": ("deleted items are leased", with_batch(OTHER, ("q", "OPEN"))),
    "a strange batch": ("batches come from nowhere", with_batch(OTHER, ("z", "RELEASED"))),
    "a lost lease": (
        f"leases of {BATCH} are lost",
        lambda f: replace(
            f, batches=(FoundBatch(BATCH, "ann", (("x", "ANSWERED"), ("y", "RELEASED"))),)
        ),
    ),
    "an answer forgotten by the batch": (
        "are not answered",
        lambda f: replace(f, batches=(FoundBatch(BATCH, "ann", (("x", "OPEN"), ("y", "OPEN"))),)),
    ),
    "an answer that nobody gave": (
        "answered without a label",
        with_batch(OTHER, ("z", "ANSWERED")),
    ),
    "a forgotten settlement": (
        "the list of settled labels: missing",
        lambda f: replace(f, settled_labels=(IMPORTED,)),
    ),
    "a wrong class on an item": (
        "show the wrong class",
        lambda f: replace(f, items=(FoundItem("x", settled_class="bee"), *f.items[1:])),
    ),
    "a lost operation": ("operations are lost", lambda f: replace(f, operations=(), models=())),
    "a doubled operation": (
        "an operation is listed twice",
        lambda f: replace(f, operations=f.operations * 2),
    ),
    "a model of another operation": (
        "operations make another model",
        lambda f: replace(f, operations=(FoundOperation("o", "n", 1, "made it"),)),
    ),
    "a strange model": (
        "models: too many",
        lambda f: replace(f, models=(*f.models, ("n", "READY"))),
    ),
    "a model that contradicts its operation": (
        "m is FAILED, not READY",
        lambda f: replace(f, models=(("m", "FAILED"),)),
    ),
    "a wrong count": (
        "item_count is 4, not 3",
        lambda f: replace(f, counts=(("item_count", 4), ("settled_count", 2))),
    ),
    "a revision that goes back": ("the revision went back", lambda f: replace(f, revision=1)),
}


def test_a_state_that_the_history_explains_is_left_in_peace() -> None:
    assert complaints(history(*STEPS), RIGHT) == []


@pytest.mark.parametrize("name", BREAKS)
def test_the_checker_sees(name: str) -> None:
    words, break_it = BREAKS[name]
    said = complaints(history(*STEPS), break_it(RIGHT))
    assert any(words in text for text in said), said


MORE = Answer(2, "y", "bob", "cat")
WITH_MORE = replace(
    RIGHT,
    items=(RIGHT.items[0], FoundItem("y", cost=7.0, settled_class="cat"), RIGHT.items[2]),
    labels=(IMPORTED, LABEL, more := FoundLabel(2, "y", "bob", "cat", batch=BATCH, settled=True)),
    settled_labels=(IMPORTED, LABEL, more),
    batches=(FoundBatch(BATCH, "ann", (("x", "ANSWERED"), ("y", "ANSWERED"))),),
    counts=(("item_count", 3), ("settled_count", 3)),
)


@pytest.mark.parametrize("found", [RIGHT, WITH_MORE], ids=["it did not", "it did"])
def test_labels_without_an_answer_may_have_happened(found: Found) -> None:
    assert complaints(history(*STEPS, pending=(Submit((MORE,)),)), found) == []


NEW_ITEMS = (FoundItem("n1"), FoundItem("n2"))


@pytest.mark.parametrize(("arrived", "right"), [(0, True), (1, False), (2, True)])
def test_an_upload_without_an_answer_is_there_as_a_whole_or_not_at_all(
    arrived: int, *, right: bool
) -> None:
    found = replace(
        RIGHT,
        items=(*RIGHT.items, *NEW_ITEMS[:arrived]),
        counts=(("item_count", 3 + arrived), ("settled_count", 2)),
    )
    said = complaints(history(*STEPS, pending=(Add(("n1", "n2"), ("", "")),)), found)
    assert (said == []) is right, said


def test_a_deletion_without_an_answer_is_not_half_done() -> None:
    found = replace(RIGHT, items=RIGHT.items[:2], labels=(LABEL, IMPORTED))
    said = complaints(history(*STEPS, pending=(Delete(("y", "z")),)), found)
    assert any("half done: Delete" in text for text in said)


def test_a_log_that_is_rewritten_between_two_looks_is_noticed() -> None:
    memory = Memory()
    assert complaints(history(*STEPS), RIGHT, memory) == []
    turned = replace(RIGHT, labels=(LABEL, IMPORTED), settled_labels=(LABEL, IMPORTED))
    assert complaints(history(*STEPS), turned, memory) == ["the log of labels was rewritten"]


def test_an_item_that_changes_its_life_unasked_is_noticed() -> None:
    memory = Memory()
    assert complaints(history(*STEPS), RIGHT, memory) == []
    other = replace(RIGHT, items=(RIGHT.items[0], FoundItem("y", 2, 7.0), RIGHT.items[2]))
    said = complaints(history(*STEPS), other, memory)
    assert said == ["1 items changed their incarnation: y"]


def test_an_operation_that_ends_twice_is_noticed() -> None:
    memory = Memory()
    assert complaints(history(*STEPS), RIGHT, memory) == []
    again = replace(RIGHT, operations=(FoundOperation("o", "m", 2, "made it again"),))
    assert complaints(history(*STEPS), again, memory) == ["operation o ended twice"]


def test_what_a_client_found_wrong_is_passed_on() -> None:
    seen = history(*STEPS)
    seen.complain("c-1, repeated, got something else")
    assert complaints(seen, RIGHT) == ["c-1, repeated, got something else"]
