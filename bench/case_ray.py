"""The pool pass on Ray beside the same pass in this process, on the same cores; and its cut.

Both read the same segment files, which the page cache holds. ALSERVICE_BENCH_RAY_ROWS=10000000 is
for ten million (7.7 GB below the temporary folder). Eight shards are simulated in this process,
one after the other; of these the processor time is compared, which a busy machine hardly changes.
"""

import importlib.util
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Engine
from alservice.domain.head import LinearHead
from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.domain.segment import Segment, SegmentState
from alservice.domain.strategy import Scoring, Selecting
from alservice.ports.scoring import Pass, PoolScoring, SegmentBlock
from alservice.scoring.local import LocalScoring
from alservice.scoring.on_ray import Crew, connect
from alservice.scoring.spread import SpreadScoring
from alservice.storage.files import LocalFiles
from alservice.storage.open_elsewhere import open_elsewhere
from alservice.storage.segments import FileSegmentStore
from bench.asked import BATCH, KNOWN
from bench.case_k_center import covering_radius
from bench.counted_shards import CountedShards
from bench.memory import MEBIBYTE, rss
from bench.paired import paired
from bench.pools import DIMENSION, head, pool
from bench.ray_cluster import Cluster, running_cluster
from bench.rows import Row, compare, skipped
from bench.sizes import THREADS, sized

F64 = NDArray[np.float64]
ROWS = int(os.environ.get("ALSERVICE_BENCH_RAY_ROWS", sized(1_000_000, 4_000)))
SEGMENT_ROWS = sized(40_000, 500)
SHARDS = 8
ROUNDS = sized(7, 1)
K_CENTER_ROUNDS = sized(5, 1)
LOCAL = "this process"


def run() -> Iterator[Row]:
    """All rows of this case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blocks = stored(folder, ROWS)
        yield from _beside_local(folder, blocks)
        yield from _simulated(folder, blocks)
        yield _radius(folder, blocks[: sized(10, 4)])


def stored(folder: Path, rows: int) -> list[Block]:
    """Clustered float16 vectors as segments of a place; a million of them, again and again."""
    store = FileSegmentStore(LocalFiles(folder / "segments"))
    vectors = pool("clustered", min(rows, 1_000_000)).astype(np.float16)
    blocks: list[Block] = []
    for start in range(0, rows, SEGMENT_ROWS):
        at = np.arange(start, min(start + SEGMENT_ROWS, rows))
        items = ItemBlock(tuple(map(str, at)), vectors[at % len(vectors)], DType.F16)
        name = secrets.token_hex(8)
        writer = store.writer(name, DIMENSION, DType.F16)
        writer.append(items, np.zeros(len(at), np.int64))
        sealed = writer.seal()
        segment = Segment(
            segment_id=name,
            project_id="bench",
            space_id="bench",
            state=SegmentState.LIVE,
            rows=sealed.rows,
            live_rows=sealed.rows,
            size_bytes=sealed.size_bytes,
            crc32c=sealed.crc32c,
        )
        reader = store.open(segment)
        closed = np.zeros((len(at) + 7) // 8, np.uint8)
        blocks.append(SegmentBlock(reader.vectors, reader.ids.hashes, closed, segment))
    return blocks


def question(name: str, blocks: Sequence[Block], classes: int = 10) -> Pass:
    """A batch by a strategy with a model of so many classes."""
    model, strategy = head(), KNOWN[name]
    if not isinstance(strategy, Scoring | Selecting):
        raise TypeError(f"{name} cannot be asked directly")
    return Pass(
        strategy=strategy,
        blocks=blocks,
        count=BATCH,
        seed=1,
        cancel=CancelFlag(),
        head=LinearHead(model.weights[:classes].copy(), model.bias[:classes].copy()),
        class_count=classes,
    )


def _beside_local(folder: Path, blocks: Sequence[Block]) -> Iterator[Row]:
    if importlib.util.find_spec("ray") is None:
        yield skipped(f"ray-margin-{ROWS}", LOCAL, "Ray is not installed")
        return
    local, here = LocalScoring(Engine(THREADS)), Engine(THREADS)
    with running_cluster() as cluster:
        os.environ.update(cluster.environment)
        join = partial(connect, cluster.address, THREADS)
        crew = Crew(join, here, partial(open_elsewhere, None, folder), mark=None)
        try:
            spread = SpreadScoring(here, shards=crew)
            for name, classes in (("margin", 2), ("margin", 10), ("k_center", 2)):
                yield _times(
                    f"ray-{name}-{classes}-{ROWS}", question(name, blocks, classes), spread, local
                )
            yield _memory(cluster)
        finally:
            crew.close()


def _memory(cluster: Cluster) -> Row:
    """What the actor and Ray's object store hold of a pool that the actor has walked."""
    (actor,), (raylet,) = cluster.named("ShardActor"), cluster.named("raylet/raylet ")
    held = rss(actor.pid, "RssAnon") + rss(raylet.pid, "RssShmem")
    pool_bytes = ROWS * DIMENSION * 2
    name = f"ray-memory-{ROWS}"
    return compare(name, held / MEBIBYTE, "the pool", pool_bytes / MEBIBYTE, "<=", 0.5, unit="MiB")


def _times(name: str, ask: Pass, spread: PoolScoring, local: PoolScoring) -> Row:
    ours, theirs = spread.choose(ask), local.choose(ask)
    if ours.row.tolist() != theirs.row.tolist():
        raise RuntimeError(f"{name}: not the same batch")
    rounds = K_CENTER_ROUNDS if ask.strategy is KNOWN["k_center"] else ROUNDS
    found = paired(lambda: spread.choose(ask), lambda: local.choose(ask), rounds=rounds)
    return compare(name, found.ours_s, LOCAL, found.other_s, "<=", 1.3, ratio=1 / found.speedup)


def _simulated(folder: Path, blocks: Sequence[Block]) -> Iterator[Row]:
    """Whether a shard's work is linear in its rows, some of which have a segment more."""
    ask, open_store = question("margin", blocks), partial(open_elsewhere, None, folder)
    eight, one = CountedShards(open_store, SHARDS), CountedShards(open_store, 1)
    for shards in (eight, one):
        _per_row(shards, ask)  # maps the files, and checks them
    pairs = [(_per_row(eight, ask), _per_row(one, ask)) for _ in range(ROUNDS)]
    each, whole = (np.min(side, axis=0) for side in zip(*pairs, strict=True))
    slowest, name = float(each.max()), f"of-{SHARDS}-shards-{ROWS}"
    mean, alone = float(each.mean()), float(whole[0])
    yield compare(f"ray-slowest-{name}", slowest, "their mean", mean, "<=", 1.15, unit="ns/row")
    text = "one shard with all rows"
    yield compare(f"ray-mean-{name}", mean, text, alone, "<=", 1.15, unit="ns/row")


def _per_row(shards: CountedShards, ask: Pass) -> F64:
    """Nanoseconds of processor time per row of each shard, for one batch."""
    cpu_s, rows = np.array(shards.cpu_s), np.array(shards.rows_walked)
    SpreadScoring(Engine(THREADS), shards=shards).choose(ask)
    took, walked = np.array(shards.cpu_s) - cpu_s, np.array(shards.rows_walked) - rows
    per_row: F64 = 1e9 * took / walked
    return per_row


def _radius(folder: Path, few: Sequence[Block]) -> Row:
    """The covering radius of k-center in two rounds beside that of one pass."""
    shards = CountedShards(partial(open_elsewhere, None, folder), SHARDS)
    spread, ask = SpreadScoring(Engine(THREADS), shards=shards), question("k_center", few)
    vectors = np.concatenate([np.asarray(b.vectors, np.float32) for b in few])
    starts = np.arange(len(few)) * SEGMENT_ROWS
    one, two = LocalScoring(Engine(THREADS)).choose(ask), spread.choose(ask)
    ours, theirs = (covering_radius(vectors, starts[r.block] + r.row) for r in (two, one))
    name = f"ray-k_center-radius-of-{SHARDS}-shards-{len(vectors)}"
    return compare(name, ours, LOCAL, theirs, "<=", 4, unit="distance")
