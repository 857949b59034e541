"""Many clients at once, each with a connection, a thread and a journal of its own."""

import itertools
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from alservice.client.connection import Connection
from tests.chaos.annotator import Annotator
from tests.chaos.call import Call
from tests.chaos.client_wire import ClientWire
from tests.chaos.journal import Journal, calls_in
from tests.e2e.history import History
from tests.e2e.wire import PROJECT


@contextmanager
def crowd(address: str, folder: Path, size: int, seed: int) -> Iterator[None]:
    """They begin at once; at the end they get an answer to what they still wait for."""
    over, numbers = threading.Event(), itertools.count(1)
    folder.mkdir()

    def live(name: str) -> None:
        rng = random.Random(f"{seed}/{name}")
        annotator = Annotator(name, History(), rng, lambda: next(numbers))
        connection = Connection(address)
        with closing(connection), closing(Journal(folder / name)) as journal:
            annotator.live(ClientWire(connection, PROJECT, journal), over)

    with ThreadPoolExecutor(size) as threads:
        working = [threads.submit(live, f"c{number}") for number in range(size)]
        try:
            yield
        finally:
            over.set()
        for each in working:
            each.result()


def history_in(folder: Path) -> list[Call]:
    """What all of them have written down."""
    return [call for path in sorted(folder.iterdir()) for call in calls_in(path)]
