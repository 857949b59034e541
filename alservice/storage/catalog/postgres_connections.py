"""Connections that wait for the next transaction.

They are opened on the thread that needs one, so that it sees the true error at once, and after
the database was away nothing has to be woken up.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, LiteralString

import psycopg
from psycopg.pq import TransactionStatus

from alservice.domain.errors import Overloaded, ShuttingDown

Driver = psycopg.Connection[Any]

MOST: Final = 20  # at once, where nobody says how many threads will be inside a transaction
OFTEN: Final = 5  # times, before a statement is prepared
MOST_PREPARED: Final = 200
WAIT_S: Final = 30.0
AGE_S: Final = 1800.0  # so that after a failover or a rescaling nobody holds on to the old place


def open_connection(
    parameters: Mapping[str, str], *, autocommit: bool = True, prepares: bool = False
) -> Driver:
    """A connection, on which transactions are begun by statements where it is in autocommit.

    One that `prepares` does so with what is asked often, unless it sees a pooler stand between.
    Raises psycopg.OperationalError.
    """
    keywords: Mapping[str, Any] = parameters
    made = psycopg.connect("", autocommit=autocommit, prepare_threshold=None, **keywords)
    if prepares and _is_direct(made):
        made.prepare_threshold = OFTEN
        made.prepared_max = MOST_PREPARED
    return made


def _is_direct(connection: Driver) -> bool:
    """Whether the server itself answers: a pooler cannot tell which of its processes will."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone() == (connection.info.backend_pid,)


class Connections:
    """At most `most` connections, opened by `connect` as they are needed."""

    def __init__(self, connect: Callable[[], Driver], most: int = MOST) -> None:
        self._connect = connect
        self._most = most
        self._idle: deque[tuple[Driver, float]] = deque()
        self._out = 0
        self._closed = False
        self._change = threading.Condition()

    @contextmanager
    def borrow(self) -> Iterator[Driver]:
        """A connection outside any transaction; one that is broken does not come back.

        Raises ShuttingDown; Overloaded if all are taken for long; psycopg.OperationalError.
        """
        kept = self._take()
        connection, since_s = kept or (None, time.monotonic())
        try:
            if connection is None:
                connection = self._connect()
            yield connection
        finally:
            self._give_back(connection, since_s)

    def forget_idle(self) -> None:
        """Close those that wait: where one was lost, the others are too."""
        with self._change:
            idle = list(self._idle)
            self._idle.clear()
        for connection, _ in idle:
            connection.close()

    def close(self) -> None:
        """Refuse further borrowers, wait for those who have one, close all. Idempotent."""
        with self._change:
            self._closed = True
            self._change.notify_all()
            self._change.wait_for(lambda: self._out == 0)
        self.forget_idle()

    def _take(self) -> tuple[Driver, float] | None:
        """A place among the most, and a connection if one waits."""
        with self._change:
            there = self._change.wait_for(lambda: self._closed or self._out < self._most, WAIT_S)
            if self._closed:
                raise ShuttingDown("the server is stopping; retry elsewhere or later")
            if not there:
                text = "all connections to the database are in use; retry after a moment"
                raise Overloaded(text, connections=self._most)
            self._out += 1
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: Driver | None, since_s: float) -> None:
        usable = connection is not None and _is_usable(connection)
        young = time.monotonic() - since_s < AGE_S
        if connection is not None and not (usable and young):
            with suppress(psycopg.Error):
                connection.close()
        with self._change:
            if connection is not None and usable and young:
                self._idle.append((connection, since_s))
            self._out -= 1
            self._change.notify_all()


def _is_usable(connection: Driver) -> bool:
    return not connection.closed and connection.info.transaction_status is TransactionStatus.IDLE


def command(connection: Driver, text: LiteralString) -> str:
    """Run a statement without parameters or rows; what the server says it was."""
    with connection.cursor() as cursor:
        cursor.execute(text, prepare=False)
        return cursor.statusmessage or ""
