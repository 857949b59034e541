"""Clients at work: a seeded mix of everything that changes a project, until the server dies."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import grpc

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
    Refused,
    Release,
    Renew,
    Request,
    Result,
    Submit,
    Train,
    Update,
)
from tests.e2e.wire import CLASSES, CallFailed, Wire, class_of

# The connection has broken: what a server itself says carries a reason.
BROKEN: Final = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN}
# Nothing happened, and that is as it should be.
HARMLESS: Final = {
    "POOL_EMPTY",
    "TRAINING_NEEDS_TWO_CLASSES",
    "BATCH_CLOSED",
    "ITEM_NOT_FOUND",
    "CONFLICT",
    "OVERLOADED",
}
STREAM_ITEMS: Final = 1000  # about 2 MB
MOST_ITEMS: Final = 1800  # per client


@dataclass(slots=True)
class Client:
    """One caller with items of its own. Lives through all restarts of the server."""

    name: str
    history: History
    rng: random.Random
    tokens: Callable[[], int]
    alive: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    batches: list[Handed] = field(default_factory=list)
    said: list[Answer] = field(default_factory=list)
    done: list[Entry] = field(default_factory=list)
    number: int = 0

    def work(self, wire: Wire, stop: threading.Event, counted: Callable[[int], None]) -> None:
        """Retry what got no answer, then go on until told to stop or the server is gone."""
        request = self.history.pending.get(self.name)
        while request is not None or not stop.is_set():
            request = request or self._begin(self._choose())
            result = self._sent(wire, request)
            if result is None:
                return
            self._learn(request, result)
            counted(self.history.end(request, result))
            request = None
            if self.rng.random() < 0.08 and not self._repeat(wire):
                return

    def _begin(self, action: Action) -> Request:
        self.number += 1
        request = Request(self.name, self.number, action)
        self.history.begin(request)
        return request

    def _sent(self, wire: Wire, request: Request) -> Result | None:
        """The answer; None if the server is gone."""
        try:
            return wire.send(request)
        except CallFailed as error:
            if error.reason in HARMLESS:
                return Refused(error.reason)
            if error.reason or error.code not in BROKEN:
                what = type(request.action).__name__
                self.history.complain(f"{request.request_id} {what}: {error}")
            return None

    def _repeat(self, wire: Wire) -> bool:
        """Send an old request once more: the answer must be equal. False if the server is gone."""
        answered = [entry for entry in self.done if not isinstance(entry.result, Refused)]
        if not answered:
            return True
        entry = self.rng.choice(answered[-40:])
        again = self._sent(wire, entry.request)
        if again is not None and again != entry.result:
            self.history.complain(
                f"{entry.request.request_id}, repeated, got {again}, not {entry.result}"
            )
        return again is not None

    def _learn(self, request: Request, result: Result) -> None:
        action = request.action
        self.done.append(Entry(request, result))
        if isinstance(result, Handed) and isinstance(action, Ask):
            self.batches.append(result)
        if isinstance(result, Count) and isinstance(action, Add):
            self.alive = list(dict.fromkeys([*self.alive, *action.ids]))
            self.dead = sorted(set(self.dead) - set(action.ids))
        if isinstance(result, Count) and isinstance(action, Delete):
            gone = set(action.ids)
            self.dead += [i for i in self.alive if i in gone]
            self.alive = [i for i in self.alive if i not in gone]

    def _choose(self) -> Action:
        rng = self.rng
        if len(self.alive) < 20:
            return self._small_add()
        if len(self.alive) > MOST_ITEMS:
            return Delete(tuple(rng.sample(self.alive, len(self.alive) // 2)))
        makers: list[tuple[int, Callable[[], Action]]] = [
            (10, self._small_add),
            (3, self._stream),
            (4, self._delete),
            (4, self._update),
            (12, self._ask),
            (22, self._submit),
            (4, lambda: Renew(rng.choice(self.batches).batch) if self.batches else self._ask()),
            (3, lambda: Release(rng.choice(self.batches).batch) if self.batches else self._ask()),
            (3, lambda: Train(force=rng.random() < 0.5)),
        ]
        weights = [weight for weight, _ in makers]
        return rng.choices([make for _, make in makers], weights)[0]()

    def _small_add(self) -> Action:
        if self.alive and self.rng.random() < 0.15:
            ids = tuple(self.rng.sample(self.alive, 5))
            return Add(ids, self._classes(ids), replace=True)
        return self._fresh(self.rng.randint(1, 60), streamed=self.rng.random() < 0.2)

    def _stream(self) -> Action:
        return self._fresh(STREAM_ITEMS, streamed=True)

    def _fresh(self, count: int, *, streamed: bool) -> Add:
        """Ids that do not exist: new ones, and some that did."""
        again = self.rng.sample(self.dead, min(len(self.dead), count // 4))
        new = [f"{self.name}-{self.number}-{index}" for index in range(count - len(again))]
        ids = (*again, *new)
        return Add(ids, self._classes(ids), streamed=streamed)

    def _classes(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(class_of(i) if self.rng.random() < 0.02 else "" for i in ids)

    def _delete(self) -> Action:
        some = self.rng.sample(self.alive, self.rng.randint(1, len(self.alive) // 4))
        return Delete((*some, *self.dead[:2]))

    def _update(self) -> Action:
        some = self.rng.sample(self.alive, self.rng.randint(1, 20))
        return Update(tuple(some), cost=float(self.tokens()))

    def _ask(self) -> Action:
        strategy = self.rng.choice(["", "random", "entropy", "least_confidence", "k_center"])
        lease_s = self.rng.choice([1, 3600, 3600, 3600])
        return Ask(self.name, strategy, self.rng.randint(1, 12), lease_s)

    def _submit(self) -> Action:
        rng = self.rng
        batch = rng.choice(self.batches[-6:]).ids if self.batches else ()
        ids = [i for i in batch if rng.random() < 0.8] + rng.sample(self.alive, rng.randint(0, 3))
        answers = [self._answer(i) for i in ids or self.alive[:1]]
        if self.said and rng.random() < 0.3:
            old = rng.choice(self.said)
            answers.append(Answer(self.tokens(), old.item_id, old.annotator, old.class_id))
        self.said += [a for a in answers if a.outcome == "VALUE"]
        return Submit(tuple(answers))

    def _answer(self, item_id: str) -> Answer:
        draw, token = self.rng.random(), self.tokens()
        wrong = self.rng.choice(CLASSES)
        if draw < 0.05:
            return Answer(token, item_id, "sleepy", "", outcome="ABSTAIN")
        if draw < 0.08:
            return Answer(token, item_id, self.name, "", outcome="UNUSABLE")
        if draw < 0.16:
            return Answer(token, item_id, self.name, wrong, corrected=True)
        if draw < 0.22:
            return Answer(token, item_id, self.name, wrong, outcome="UNSURE")
        return Answer(token, item_id, self.name, wrong if draw < 0.3 else class_of(item_id))
