"""The few things that are asked of an object store, and its errors in the service's words."""

import contextlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import obstore
from numpy.typing import NDArray
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import ObjectStore

from alservice.domain.errors import ObjectStoreUnavailable

# Each piece is a request of its own, with retries of its own: none lasts long, whatever the size.
PIECE_BYTES: Final = 8 << 20
AT_ONCE: Final = 4
_SHOWN: Final = 300


class Bucket:
    """Objects below one address; `obstore` retries what may be retried, for a bounded time.

    Each method raises ObjectStoreUnavailable, which says what was asked and why it failed.
    """

    def __init__(self, store: ObjectStore, address: str) -> None:
        self._store = store
        self.address = address
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="objects")

    def put_file(self, key: str, path: Path) -> None:
        """Upload a file in parts; once this returns it is durable. Raises FileNotFoundError."""
        with path.open("rb") as file, self._told("write", key):
            obstore.put(self._store, key, file, chunk_size=PIECE_BYTES, max_concurrency=AT_ONCE)

    def put_new(self, key: str, data: bytes) -> bool:
        """Make a small object; False if there is one of that name, which stays as it is.

        A retry may find what the first attempt has made: whoever cares must compare.
        """
        with self._told("write", key):
            try:
                obstore.put(self._store, key, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def put(self, key: str, data: bytes) -> None:
        """Make or replace a small object."""
        with self._told("write", key):
            obstore.put(self._store, key, data)

    def get(self, key: str) -> bytes | None:
        """A small object; None if there is none."""
        with self._told("read", key):
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

    def size_bytes(self, key: str) -> int | None:
        """The size of an object; None if there is none."""
        with self._told("read", key):
            try:
                return obstore.head(self._store, key)["size"]
            except FileNotFoundError:
                return None

    def look(self, key: str) -> tuple[int, str] | None:
        """Size of an object and what tells its versions apart; None if there is none."""
        with self._told("read", key):
            try:
                found = obstore.head(self._store, key)
            except FileNotFoundError:
                return None
        return found["size"], found["e_tag"] or str(found["last_modified"])

    def piece_later(self, key: str, start: int, end: int) -> Future[NDArray[np.uint8]]:
        """The bytes from `start` to `end` of an object, on their way."""
        return self._threads.submit(self._piece, key, start, end)

    def pieces(self, key: str, size_bytes: int) -> Iterator[NDArray[np.uint8]]:
        """The bytes of an object, a few MiB at a time, in order; the next are on their way."""
        coming: deque[Future[NDArray[np.uint8]]] = deque()
        try:
            for start in range(0, size_bytes, PIECE_BYTES):
                end = min(start + PIECE_BYTES, size_bytes)
                coming.append(self._threads.submit(self._piece, key, start, end))
                if len(coming) == AT_ONCE:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for piece in coming:
                piece.cancel()

    def delete(self, key: str) -> None:
        """Delete an object; absent is fine."""
        with self._told("delete", key), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def files(self, folder: str) -> dict[str, datetime]:
        """Names of the objects in a folder, and when each was written by the store's clock."""
        with self._told("list", folder):
            found = (each for page in obstore.list(self._store, folder) for each in page)
            return {
                each["path"].removeprefix(f"{folder}/"): each["last_modified"] for each in found
            }

    def close(self) -> None:
        """End the threads. Idempotent."""
        self._threads.shutdown()

    def _piece(self, key: str, start: int, end: int) -> NDArray[np.uint8]:
        with self._told("read", key):
            data = obstore.get_range(self._store, key, start=start, end=end)
        return np.frombuffer(memoryview(data), np.uint8)

    @contextlib.contextmanager
    def _told(self, verb: str, key: str) -> Iterator[None]:
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            advice = (
                "check the credentials (AWS_ACCESS_KEY_ID and so on) and that they may get, put, "
                "delete and list objects there"
            )
            raise self._error(verb, key, "permission", advice, error) from error
        except FileNotFoundError as error:
            advice = "make that bucket, or name one that exists"
            raise self._error(verb, key, "missing", advice, error) from error
        except BaseError as error:
            advice = "check that the object store is up and can be reached, then retry"
            raise self._error(verb, key, "unreachable", advice, error) from error

    def _error(
        self, verb: str, key: str, cause: str, advice: str, error: Exception
    ) -> ObjectStoreUnavailable:
        found = str(error).split("\n", 1)[0][:_SHOWN]
        text = f"cannot {verb} {key} in {self.address}: {advice} ({found})"
        return ObjectStoreUnavailable(text, object=key, cause=cause)
