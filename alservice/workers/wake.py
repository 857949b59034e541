"""Wakes idle workers: each loop waits for an event of its own, which only it clears."""

from threading import Event


class Wake:
    """Called by whoever queues an operation, whatever its kind."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def event(self) -> Event:
        """A new event that is set with the others."""
        event = Event()
        self._events.append(event)
        return event

    def __call__(self) -> None:
        """Wake all."""
        for event in self._events:
            event.set()
