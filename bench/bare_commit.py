"""The least that a durable label can cost: one RPC, one commit to SQLite, flushed to the disk.

Run as a program with a folder: prints its address, serves until it is killed.
"""

import asyncio
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.api.v1 import label_pb2
from bench.bare import serve


class Commit:
    """Writes each label into a table, in one thread, in a transaction of its own."""

    def __init__(self, file: Path) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._connection = self._thread.submit(_connection, file).result()

    async def submit(
        self, request: pb.SubmitLabelsRequest, _context: object
    ) -> pb.SubmitLabelsResponse:
        """Answer once the labels are on the disk."""
        rows = [(label.item_id, label.class_id) for label in request.labels]
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, rows)
        return pb.SubmitLabelsResponse(statuses=[label_pb2.LABEL_STATUS_RECORDED] * len(rows))

    def _write(self, rows: list[tuple[str, str]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO label (item_id, class_id) VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")


def _connection(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE label (seq INTEGER PRIMARY KEY, item_id TEXT, class_id TEXT)")
    return connection


def main(folder: Path) -> None:
    """Serve."""
    handler = grpc.unary_unary_rpc_method_handler(
        Commit(folder / "bare.sqlite").submit,
        request_deserializer=pb.SubmitLabelsRequest.FromString,
        response_serializer=pb.SubmitLabelsResponse.SerializeToString,
    )
    asyncio.run(serve("alservice.api.v1.ActiveLearningService", {"SubmitLabels": handler}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
