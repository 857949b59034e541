"""AddItems, durable: beside a server that drops the same messages, and the disk by itself.

Nobody can beat the slower of these two; what remains is the service's own cost.
"""

import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np

from alservice.api.v1 import pool_service_pb2 as pb
from alservice.api.v1.pool_service_pb2_grpc import PoolServiceStub
from bench.beside import beside
from bench.memory import MEBIBYTE, own_bytes, watched
from bench.paired import seconds
from bench.pools import F32, pool
from bench.rows import Row, compare
from bench.service import I64, scratch, served, upload
from bench.sizes import sized

ROWS = sized(1_000_000, 5_000)
WARM_ROWS = sized(20_000, 1_000)
ROUNDS = sized(3, 1)
SHARE = 0.6
GROWTH_MB = 200
NO_LABELS: I64 = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of each side, and bytes by which the server grew at most."""

    ours_s: float
    stream_s: float
    disk_s: float
    grown: int

    @property
    def floor_s(self) -> float:
        """The slower of the two yardsticks."""
        return max(self.stream_s, self.disk_s)


def run() -> Iterator[Row]:
    """All rows of this case."""
    vectors = pool("diffuse", ROWS)
    warm = list(upload("projects/warm", vectors[:WARM_ROWS], NO_LABELS))
    messages = list(upload("projects/add", vectors, NO_LABELS))
    rounds = [_round(warm, messages, vectors) for _ in range(ROUNDS)]
    ours_s = statistics.median(r.ours_s for r in rounds)
    yardsticks = {
        "bare grpc.aio stream": statistics.median(r.stream_s for r in rounds),
        "write + fsync": statistics.median(r.disk_s for r in rounds),
    }
    slower = max(yardsticks, key=lambda name: yardsticks[name])
    for peer, peer_s in yardsticks.items():
        if peer == slower:
            ratio = statistics.median(r.floor_s / r.ours_s for r in rounds)
            yield compare(f"add-{ROWS}", ours_s, peer, peer_s, ">=", SHARE, ratio=ratio)
        else:
            yield compare(f"add-{ROWS} (quicker yardstick)", ours_s, peer, peer_s, ">=", 0)
    grown = max(r.grown for r in rounds) / MEBIBYTE
    yield compare(f"add-{ROWS}-growth", grown, "limit", GROWTH_MB, "<=", 1, unit="MB")


def _round(
    warm: Sequence[pb.AddItemsRequest], messages: Sequence[pb.AddItemsRequest], vectors: F32
) -> Round:
    ours_s, grown = _ours(warm, messages)
    with scratch() as folder:
        _settle_disk()
        disk_s = seconds(lambda: _write(folder / "vectors", vectors))
    return Round(ours_s, _bare_stream(warm, messages), disk_s, grown)


def _ours(
    warm: Sequence[pb.AddItemsRequest], messages: Sequence[pb.AddItemsRequest]
) -> tuple[float, int]:
    with served() as service:
        service.create_project("warm")
        service.create_project("add")
        service.pool.AddItems(iter(warm))
        _settle_disk()
        before = own_bytes(service.pid)
        with watched(service.pid) as peak:
            ours_s = seconds(lambda: service.pool.AddItems(iter(messages)))
        return ours_s, peak.bytes - before


def _bare_stream(
    warm: Sequence[pb.AddItemsRequest], messages: Sequence[pb.AddItemsRequest]
) -> float:
    with beside("bench.bare_upload") as address, grpc.insecure_channel(address) as channel:
        stub = PoolServiceStub(channel)
        stub.AddItems(iter(warm))
        return seconds(lambda: stub.AddItems(iter(messages)))


def _write(file: Path, vectors: F32) -> None:
    with file.open("wb", buffering=0) as output:
        data = vectors.reshape(-1).view(np.uint8).data
        for begin in range(0, len(data), MEBIBYTE):
            output.write(data[begin : begin + MEBIBYTE])
        os.fsync(output.fileno())


def _settle_disk() -> None:
    """Nobody is to pay for what somebody else has left in the page cache."""
    os.sync()
