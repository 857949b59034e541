"""The least that a durable label can cost: one RPC, one commit to SQLite, flushed to the disk.

Run as a program with a folder: prints its address, serves until it is killed.
"""

import asyncio
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc.aio

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.api.v1 import active_learning_service_pb2_grpc as pb_grpc
from alservice.api.v1 import label_pb2


class Commit(pb_grpc.ActiveLearningServiceServicer):
    """Writes each label into a table, in one thread, in a transaction of its own."""

    def __init__(self, file: Path) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._connection = self._thread.submit(_connection, file).result()

    async def SubmitLabels(
        self, request: pb.SubmitLabelsRequest, context: object
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


async def main(folder: Path) -> None:
    """Serve."""
    server = grpc.aio.server()
    servicer = Commit(folder / "bare.sqlite")
    pb_grpc.add_ActiveLearningServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
