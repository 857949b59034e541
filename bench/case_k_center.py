"""Greedy k-center: a first batch of 100, and one more round with the distances already known.

A first batch is compared with scikit-activeml's CoreSet. In the further round ten items were
labelled long ago and a batch has just come back; ours has its NearestState, NumPy its own array of
distances. CoreSet and lightly-mundig keep nothing, so they measure the distances to the 110 labels
again: that is how they are used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from alservice.core import Engine, Ranked
from alservice.core.engine import NearestState
from bench.asked import BATCH, I64, block_of
from bench.paired import Paired, paired, seconds, summary
from bench.peers import activeml_labels, missing
from bench.pools import DIMENSION, F32, kinds, pool
from bench.rows import Row, compare, skipped
from bench.sizes import THREADS, sized

ROWS = sized(100_000, 1_000)
LARGE = sized(1_000_000, 2_000)
ROUNDS = sized(3, 1)
ANCHORS = 10
CORE_SET, MUNDIG, NUMPY = "scikit-activeml CoreSet", "lightly-mundig", "NumPy, incremental f32"


@dataclass(frozen=True, slots=True)
class Round:
    """A pool, what is labelled of it, and who chooses the next batch."""

    engine: Engine
    vectors: F32
    name: str
    first: I64  # the batch that has come back, (BATCH,)

    @property
    def labelled(self) -> I64:
        """Row numbers of all labels."""
        return np.concatenate([np.arange(ANCHORS), self.first])

    def state(self) -> NearestState:
        """What is known after the round before; each can be used once."""
        state = NearestState(DIMENSION)
        state.advance(self.vectors[:ANCHORS])
        _first(self.engine, self.vectors, state)
        return state

    def ours(self, state: NearestState) -> I64:
        """The labels of the batch are counted in, and the next one is chosen."""
        state.advance(self.vectors[self.first])
        block = block_of(self.vectors, self.labelled)
        return self.engine.k_center([block], _none(), BATCH, 1, state=state).row


def run() -> Iterator[Row]:
    """All rows of this case."""
    engine = Engine(THREADS)
    for kind in kinds():
        vectors = pool(kind, ROWS)
        yield from _first_batch(engine, vectors, f"k_center-{kind}-{ROWS}")
        case = _next_round(engine, vectors, f"k_center-next-{kind}-{ROWS}")
        yield from _against(case, CORE_SET)
        case = _next_round(engine, pool(kind, LARGE), f"k_center-next-{kind}-{LARGE}")
        yield from _against(case, NUMPY)
        yield from _against(case, MUNDIG)


def covering_radius(vectors: F32, chosen: I64) -> float:
    """The greatest distance from a vector to its nearest chosen one."""
    centres = vectors[chosen].astype(np.float64)
    worst = 0.0
    for begin in range(0, len(vectors), 8192):
        rows = vectors[begin : begin + 8192].astype(np.float64)
        squared = (rows**2).sum(1)[:, None] + (centres**2).sum(1) - 2 * rows @ centres.T
        worst = max(worst, float(squared.min(axis=1).max()))
    return float(np.sqrt(max(worst, 0.0)))


def _none() -> F32:
    return np.zeros((0, DIMENSION), np.float32)


def _first(engine: Engine, vectors: F32, state: NearestState | None = None) -> Ranked:
    block = block_of(vectors, np.arange(ANCHORS))
    anchors = vectors[:ANCHORS] if state is None else _none()
    return engine.k_center([block], anchors, BATCH, 1, state=state)


def _first_batch(engine: Engine, vectors: F32, name: str) -> Iterator[Row]:
    picked: dict[str, I64] = {}

    def ours() -> None:
        picked["ours"] = _first(engine, vectors).row

    def theirs() -> None:
        picked["theirs"] = _core_set(vectors, np.arange(ANCHORS))

    try:
        result = paired(ours, theirs, rounds=ROUNDS, warm=0)
    except ModuleNotFoundError as error:
        yield skipped(name, CORE_SET, missing(error))
        return
    yield _times(name, CORE_SET, result, 10)
    yield _radii(name, CORE_SET, vectors, np.arange(ANCHORS), picked)


def _next_round(engine: Engine, vectors: F32, name: str) -> Round:
    return Round(engine, vectors, name, _first(engine, vectors).row)


def _against(case: Round, peer: str) -> Iterator[Row]:
    """Ours has a fresh state for each round, made outside of the time; so has the peer."""
    make, bound, rounds = PEERS[peer]
    picked: dict[str, I64] = {}
    pairs = []
    try:
        for _ in range(rounds):
            state, theirs = case.state(), make(case.vectors, case.labelled)
            ours_s = seconds(lambda: picked.update(ours=case.ours(state)))  # noqa: B023
            pairs.append((ours_s, seconds(lambda: picked.update(theirs=theirs()))))  # noqa: B023
    except ModuleNotFoundError as error:
        yield skipped(case.name, peer, missing(error))
        return
    yield _times(case.name, peer, summary(pairs), bound)
    yield _radii(case.name, peer, case.vectors, case.labelled, picked)


def _times(name: str, peer: str, result: Paired, bound: float) -> Row:
    return compare(name, result.ours_s, peer, result.other_s, ">=", bound, ratio=result.speedup)


def _radii(name: str, peer: str, vectors: F32, labelled: I64, picked: dict[str, I64]) -> Row:
    ours, theirs = (
        covering_radius(vectors, np.concatenate([labelled, picked[who]]))
        for who in ("ours", "theirs")
    )
    return compare(f"{name}-radius", ours, peer, theirs, "<=", 1.001, unit="distance")


def _core_set(vectors: F32, labelled: I64) -> I64:
    from skactiveml.pool import CoreSet

    labels = activeml_labels(len(vectors), 0)
    labels[labelled] = 0
    chosen = CoreSet(random_state=0).query(vectors, labels, batch_size=BATCH)
    return np.asarray(chosen, np.int64)


class Incremental:
    """A matrix-vector product and a minimum per pick; norms and distances known before."""

    def __init__(self, vectors: F32, labelled: I64) -> None:
        self._vectors = vectors
        self._norms = np.einsum("ij,ij->i", vectors, vectors)
        nearest = (-2 * (vectors @ vectors[labelled].T) + self._norms[labelled]).min(axis=1)
        self._distances = nearest + self._norms
        self._distances[labelled] = -1

    def __call__(self) -> I64:
        """The farthest, again and again."""
        chosen = np.zeros(BATCH, np.int64)
        for at in range(BATCH):
            chosen[at] = np.argmax(self._distances)
            self._nearer(int(chosen[at]))
        return chosen

    def _nearer(self, row: int) -> None:
        new = self._vectors @ self._vectors[row]
        new *= -2
        new += self._norms
        new += self._norms[row]
        np.minimum(self._distances, new, out=self._distances)
        self._distances[row] = -1


class Mundig:
    """Diversity by lightly-mundig; only its selection is timed, not the copy it makes before."""

    def __init__(self, vectors: F32, labelled: I64) -> None:
        from lightly_mundig import Selection

        self._rows, self._labelled = len(vectors), labelled.tolist()
        self._selection = Selection()
        self._selection.add_diversifying_strategy(vectors, 1.0)

    def __call__(self) -> I64:
        """A batch beyond what is labelled, which it repeats first."""
        count = len(self._labelled) + BATCH
        chosen = self._selection.run_selection(self._labelled, self._rows, count)
        return np.asarray(chosen[len(self._labelled) :], np.int64)


# How to make each peer ready for the further round, by how much it is to be beaten, how often.
Ready = Callable[[F32, I64], Callable[[], I64]]
PEERS: dict[str, tuple[Ready, float, int]] = {
    CORE_SET: (lambda vectors, labelled: lambda: _core_set(vectors, labelled), 50, ROUNDS),
    NUMPY: (Incremental, 5, ROUNDS),
    MUNDIG: (Mundig, 3, 1),
}
