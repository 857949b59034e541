"""Prometheus metrics of one server, in a registry of their own.

The names follow the conventions of gRPC's Prometheus middlewares, with our prefix.
"""

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from alservice.telemetry.work_metrics import WorkMetrics

# From a lookup to a pass over a large pool; long waits are in the last bucket.
BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


class Metrics:
    """What is counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(namespace="alservice", registry=self.registry)
        self._handled = Counter(
            "alservice_rpc_server_handled_total",
            "Calls that have ended, by method and status code.",
            ("method", "code"),
            registry=self.registry,
        )
        self._duration = Histogram(
            "alservice_rpc_server_duration_seconds",
            "How long calls took.",
            ("method",),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._in_flight = self._gauge("rpc_server_in_flight", "Calls that run now.", "method")
        self._waiting = self._gauge("lane_waiting", "Calls that wait for a thread.", "lane")
        self._running = self._gauge("lane_running", "Calls that have a thread.", "lane")
        self.work = WorkMetrics(self.registry)
        self._build = self._gauge("build_info", "1, with the build as labels.", "version", "core")

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"alservice_{name}", text, labels, registry=self.registry)

    def begin(self, method: str) -> None:
        """A call has come in."""
        self._in_flight.labels(method).inc()

    def end(self, method: str, code: str, seconds: float) -> None:
        """The call has ended."""
        self._in_flight.labels(method).dec()
        self._handled.labels(method, code).inc()
        self._duration.labels(method).observe(seconds)

    def watch_lane(
        self, lane: str, waiting: Callable[[], float], running: Callable[[], float]
    ) -> None:
        """Show how full a lane is."""
        self._waiting.labels(lane).set_function(waiting)
        self._running.labels(lane).set_function(running)

    def tell_build(self, version: str, core: Mapping[str, str]) -> None:
        """Show what is running."""
        text = " ".join(f"{key}={value}" for key, value in sorted(core.items()))
        self._build.labels(version, text).set(1)

    def text(self) -> bytes:
        """The exposition format of Prometheus."""
        return generate_latest(self.registry)
