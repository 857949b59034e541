"""Clients that never die: they work while servers come and go, and sometimes lose patience."""

import threading
from dataclasses import dataclass
from typing import Final

from tests.chaos.client_wire import ClientWire
from tests.e2e.history import (
    Action,
    Add,
    Ask,
    Cancel,
    Follow,
    Look,
    Queued,
    Refused,
    Request,
    Result,
    Submit,
)
from tests.e2e.traffic import Client
from tests.e2e.wire import Wire

GIVEN_UP: Final = Refused("GIVEN_UP")  # to the client; the journal says that nobody knows
THINK_S: Final = 0.15
LAST_TRIES: Final = 3


@dataclass(slots=True)
class Annotator(Client):
    """The client of the crash tests, through the client that users have.

    What gets no answer is sent again under its request_id, but for a few requests that are sent
    in a hurry and never again: nobody learns what became of those.
    """

    def live(self, wire: ClientWire, over: threading.Event) -> None:
        """Work until told to stop; then try a little longer to get an answer to everything."""

        def think(_: int) -> None:
            over.wait(self.rng.uniform(0, THINK_S))

        while not over.is_set():
            self.work(wire, over, think)
        for _ in range(LAST_TRIES):
            self.work(wire, over, think)

    def _sent(self, wire: Wire, request: Request) -> Result | None:
        assert isinstance(wire, ClientWire)
        if not self._may_be_forgotten(request) or self.rng.random() > 0.04:
            return wire.attempt(request)
        return wire.attempt(request, self.rng.uniform(0.005, 0.1)) or GIVEN_UP

    def _may_be_forgotten(self, request: Request) -> bool:
        """Whether nothing that comes later needs to know what became of it."""
        if self.history.pending.get(self.name) is not request:
            return False  # a repetition, which has an answer to compare with
        action = request.action
        if isinstance(action, Add):
            return not action.replace and not set(action.ids) & set(self.dead)
        return isinstance(action, Submit | Ask)

    def _choose(self) -> Action:
        if len(self.alive) >= 20 and self.rng.random() < 0.12:
            return self._watch()
        return Client._choose(self)

    def _watch(self) -> Action:
        begun = [e.result.operation for e in self.done if isinstance(e.result, Queued)]
        if not begun or self.rng.random() < 0.4:
            return Look()
        operation = self.rng.choice(begun[-5:])
        return Cancel(operation) if self.rng.random() < 0.1 else Follow(operation)

    def _learn(self, request: Request, result: Result) -> None:
        if isinstance(request.action, Look | Follow | Cancel):
            return  # not worth a repetition
        Client._learn(self, request, result)
