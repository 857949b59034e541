"""From the settings to the engine of the pool pass: this process, or a Ray cluster."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from alservice.core import Engine
from alservice.ports.scoring import PoolScoring
from alservice.scoring.local import LocalScoring
from alservice.scoring.on_ray import Crew, OpenStore, connect
from alservice.scoring.spread import SpreadScoring

LOCAL: Final = "local"
_log: Final = logging.getLogger(__name__)


def open_scoring(
    address: str, threads: int, open_store: OpenStore, mark: str | None
) -> tuple[PoolScoring, Callable[[], None]]:
    """The scoring, and what lets go of it.

    `address`: "local", "ray" or ray://host:port. Actors open the segments by `open_store` and must
    find `mark` there. Raises StartupError that says what to do.
    """
    engine = Engine(threads)
    if address == LOCAL:
        return LocalScoring(engine), _nothing
    _log.info("connecting to the cluster that scores: %s", address)
    crew = Crew(partial(connect, address, threads), engine, open_store, mark)
    return SpreadScoring(engine, shards=crew), crew.close


def _nothing() -> None:
    """Nothing is held."""
