"""A pool of ten million items in half precision: import, Query, and memory of the server's own.

Beside what nobody can beat: a server that drops the same messages, the disk, and a pass that only
reads and adds up the same vectors. The last row gives server and yardstick less memory than the
pool has bytes, so that every pass comes from the disk.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc
import numpy as np

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.api.v1.pool_service_pb2_grpc import PoolServiceStub
from alservice.core import Engine
from bench.asked import BATCH, block_of
from bench.bare_pass import read_and_convert, vectors_below
from bench.beside import beside
from bench.confined import confined, read_from_disk, why_not
from bench.large_upload import CLASSES, chunks, messages
from bench.memory import MEBIBYTE, own_bytes, watched
from bench.paired import paired, seconds
from bench.pools import head
from bench.rows import Row, compare, skipped
from bench.service import Service, scratch, serving
from bench.sizes import THREADS, sized

ROWS = int(os.environ.get("ALSERVICE_BENCH_LARGE_ROWS", sized(10_000_000, 5_000)))
ROUNDS = sized(5, 2)
SHARE = 0.8
PASSES = 2
LIMIT_MB = 1024
CONFINED_MB = sized(2_048, 512)
PROJECT = "large"


def run() -> Iterator[Row]:
    """All rows of this case."""
    with scratch() as folder:
        with serving(folder / "data") as service, watched(service.pid, 0.1) as peak:
            project = service.create_project(PROJECT, CLASSES)
            yield from _imported(service, project)
            service.train(project)
            yield from _asked(service, project)
        yield _own(f"memory-{ROWS}", peak.bytes)
        yield from _beyond_memory(folder / "data", project)


def _imported(service: Service, project: str) -> Iterator[Row]:
    os.sync()
    ours_s = seconds(lambda: service.pool.AddItems(messages(project, ROWS)))
    stream_s = _bare_stream()
    with scratch() as folder:
        os.sync()
        disk_s = seconds(lambda: _write(folder / "vectors"))
    slower = max((stream_s, "bare grpc.aio stream"), (disk_s, "write + fsync"))
    yield compare(f"import-{ROWS}", ours_s, slower[1], slower[0], ">=", SHARE)


def _asked(service: Service, project: str) -> Iterator[Row]:
    engine, parts, yardstick = Engine(THREADS), vectors_below(service.folder), "read and convert"
    if sum(map(len, parts)) != ROWS:
        raise RuntimeError("the files do not hold what was imported")

    def bare() -> None:
        read_and_convert(engine, parts)

    result = paired(lambda: _query(service, project), bare, rounds=ROUNDS)
    name, ratio = f"margin-2-classes-{ROWS}", 1 / result.speedup
    yield compare(name, result.ours_s, yardstick, result.other_s, "<=", PASSES, ratio=ratio)
    model, blocks = head(), [block_of(part) for part in parts]
    scored = partial(engine.score_top_k, blocks, model.weights, model.bias, "margin", BATCH, 1)
    result = paired(scored, bare, rounds=ROUNDS)
    name = f"margin-10-classes-{ROWS} (in core)"
    yield compare(name, result.ours_s, yardstick, result.other_s, ">=", 0)


def _beyond_memory(folder: Path, project: str) -> Iterator[Row]:
    """Both begin with an empty page cache, in a group of less memory than the pool has bytes."""
    name, yardstick = f"margin-beyond-memory-{ROWS}", f"the same pass in {CONFINED_MB} MB"
    if reason := why_not():
        yield skipped(name, yardstick, reason)
        return
    pool_bytes = sum(part.nbytes for part in vectors_below(folder))
    with (
        confined(CONFINED_MB * MEBIBYTE) as group,
        serving(folder, group.prefix) as service,
    ):
        first_s = seconds(lambda: _query(service, project))
        before = read_from_disk(service.pid)
        ours_s = seconds(lambda: _query(service, project))
        ours_read, own = read_from_disk(service.pid) - before, own_bytes(service.pid)
    with (
        confined(CONFINED_MB * MEBIBYTE) as group,
        beside("bench.bare_pass", str(folder), str(group.folder)) as said,
    ):
        theirs_s, theirs_read = map(float, said.split())
    if min(ours_read, theirs_read) < pool_bytes:
        yield skipped(name, yardstick, "the pool did not come from the disk")
        return
    yield compare(f"{name}-first (checksums too)", first_s, yardstick, theirs_s, "<=", 1 + PASSES)
    yield compare(name, ours_s, yardstick, theirs_s, "<=", PASSES)
    yield _own(f"{name}-own", own)


def _own(name: str, own: int) -> Row:
    return compare(name, own / MEBIBYTE, "limit", LIMIT_MB, "<=", 1, unit="MB")


def _query(service: Service, project: str) -> None:
    answer = service.learning.Query(
        pb.QueryRequest(project=project, batch_size=BATCH, strategy="margin")
    )
    if len(answer.batch.items) != BATCH or answer.batch.strategy != "margin":
        raise RuntimeError(f"not a batch of margin: {answer.notes}")
    service.learning.ReleaseBatch(pb.ReleaseBatchRequest(name=answer.batch.name))


def _bare_stream() -> float:
    with beside("bench.bare_upload") as address, grpc.insecure_channel(address) as channel:
        return seconds(lambda: PoolServiceStub(channel).AddItems(messages("projects/bare", ROWS)))


def _write(file: Path) -> None:
    """The vectors' bytes, durable."""
    with file.open("wb", buffering=0) as output:
        for chunk in chunks(ROWS):
            output.write(np.ascontiguousarray(chunk).view(np.uint8).reshape(-1).data)
        os.fsync(output.fileno())
