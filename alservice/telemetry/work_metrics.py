"""What workers tell Prometheus: what became of operations, and whether the chores get done."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge


class WorkMetrics:
    """Counts for one server, in its registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = CollectorRegistry() if registry is None else registry
        self._operations = Counter(
            "alservice_operations_total",
            "Claims of operations, and how they ended here, by kind.",
            ("kind", "event"),
            registry=registry,
        )
        self._chores = Counter(
            "alservice_chore_runs_total",
            "Runs of what a worker does now and then, by outcome.",
            ("chore", "outcome"),
            registry=registry,
        )
        self._success = Gauge(
            "alservice_chore_last_success_timestamp_seconds",
            "When a chore went well for the last time, in seconds since 1970.",
            ("chore",),
            registry=registry,
        )

    def count(self, kind: str, event: str) -> None:
        """An operation was `claimed`, or is done with here.

        That is `succeeded`, `failed`, `cancelled`, `given_back` for another one to go on with, or
        `lost` to another one already.
        """
        self._operations.labels(kind, event).inc()

    def expect(self, chores: Iterable[str]) -> None:
        """Show chores before their first run: from now on it is waited for."""
        for chore in chores:
            self._success.labels(chore).set_to_current_time()
            for outcome in ("succeeded", "failed"):
                self._chores.labels(chore, outcome)

    @contextmanager
    def chore(self, name: str) -> Iterator[None]:
        """Count what happens inside, and let it happen."""
        try:
            yield
        except BaseException:
            self._chores.labels(name, "failed").inc()
            raise
        self._chores.labels(name, "succeeded").inc()
        self._success.labels(name).set_to_current_time()


def name_of(chore: Callable[[], object]) -> str:
    """`Sweep`, `Snapshots.forget_gone`: the class of a chore, or the function that it is."""
    return str(getattr(chore, "__qualname__", type(chore).__qualname__))
