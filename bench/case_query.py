"""Query over gRPC, lease committed, beside the bare pass over the same vectors in this process.

After that, how much memory of its own the server has: it must not grow with the pool.
"""

from collections.abc import Callable, Iterator

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.api.v1 import batch_pb2
from alservice.core import Engine
from bench.asked import BATCH
from bench.case_uncertainty import fused
from bench.memory import MEBIBYTE, own_bytes
from bench.paired import Paired, seconds, summary
from bench.pools import F32, kinds, pool
from bench.rows import Row, compare
from bench.service import Service, served
from bench.sizes import THREADS, sized

SIZES = sized((100_000, 1_000_000), (3_000,))
ROUNDS = sized(9, 2)
ALLOWED_S = 0.050
LIMIT_MB = 400


def run() -> Iterator[Row]:
    """All rows of this case."""
    engine = Engine(THREADS)
    for rows in SIZES:
        with served() as service:
            for kind in kinds():
                yield from _of_pool(service, engine, pool(kind, rows), f"{kind}-{rows}")
            ours = own_bytes(service.pid) / MEBIBYTE
            limit = (f"memory-{rows}", ours, "limit", LIMIT_MB)
            yield compare(*limit, "<=", 1, unit="MB")


def _of_pool(service: Service, engine: Engine, vectors: F32, name: str) -> Iterator[Row]:
    project = service.create_project(f"query-{name}")
    service.add_items(project, vectors)
    service.train(project)
    for measure in ("margin", "entropy"):
        result = _measured(service, project, measure, fused(engine, vectors, measure))
        yield compare(
            f"{measure}-{name}",
            result.ours_s,
            "in-core + 50 ms",
            result.other_s,
            "<=",
            1,
            ratio=1 / result.speedup,
        )


def _measured(
    service: Service, project: str, measure: str, in_core: Callable[[], object]
) -> Paired:
    def ours() -> None:
        answer = service.learning.Query(
            pb.QueryRequest(project=project, batch_size=BATCH, strategy=measure)
        )
        if len(answer.batch.items) != BATCH or answer.batch.strategy != measure:
            raise RuntimeError(f"not a batch of {measure}: {answer.notes}")
        batches.append(answer.batch)

    batches: list[batch_pb2.Batch] = []
    pairs = []
    for number in range(ROUNDS + 1):
        pair = seconds(ours), seconds(in_core) + ALLOWED_S
        service.learning.ReleaseBatch(pb.ReleaseBatchRequest(name=batches.pop().name))
        if number:  # the first of each warms up
            pairs.append(pair)
    return summary(pairs)
