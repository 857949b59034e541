"""Facility location: 100 of 20,000 by cosine similarity, beside apricot, for the same objective.

apricot compiles its loops anew for each object; here what is compiled is kept, so that this time
does not count. Its time does include the table of all pairs, by one threaded product: it cannot
choose without. Both of its usual optimisers are run, once.
"""

import importlib
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from bench.asked import BATCH, I64, LabelledPool
from bench.paired import slow
from bench.peers import missing
from bench.pools import F32, kinds, pool
from bench.rows import Row, compare, skipped
from bench.sizes import sized

ROWS = sized(20_000, 600)
BOUND = 30
OPTIMISERS = sized(("lazy", "two-stage"), ("lazy",))
TINY = 50
SIMILAR = 1 - 1e-5  # ours is in float32


def run() -> Iterator[Row]:
    """All rows of this case."""
    for kind in kinds():
        yield from _against_apricot(pool(kind, ROWS), f"facility_location-{kind}-{ROWS}")


def objective(vectors: F32, chosen: I64) -> float:
    """The mean over the pool of the cosine to the most similar that is chosen."""
    nearest = (vectors.astype(np.float64) @ vectors[chosen].astype(np.float64).T).max(axis=1)
    return float(np.maximum(nearest, 0).mean())


def _against_apricot(vectors: F32, name: str) -> Iterator[Row]:
    choose = LabelledPool(vectors, 0).choice("facility_location")
    for optimiser in OPTIMISERS:
        peer = f"apricot, {optimiser}"
        picked: dict[str, I64] = {}
        try:
            query = _apricot(optimiser)
        except ModuleNotFoundError as error:
            yield skipped(name, peer, missing(error))
            return
        query(vectors[:TINY], TINY // 2)
        result = slow(
            lambda: picked.update(ours=choose().row),  # noqa: B023
            lambda: picked.update(theirs=query(vectors, BATCH)),  # noqa: B023
        )
        times = (name, result.ours_s, peer, result.other_s)
        yield compare(*times, ">=", BOUND, ratio=result.speedup)
        ours, theirs = (objective(vectors, picked[who]) for who in ("ours", "theirs"))
        numbers = (f"{name}-objective", ours, peer, theirs)
        yield compare(*numbers, ">=", SIMILAR, ratio=ours / theirs, unit="similarity")


def _apricot(optimiser: str) -> Callable[[F32, int], I64]:
    from apricot import FacilityLocationSelection

    loops = importlib.import_module("apricot.functions.facilityLocation")
    for name in ("calculate_gains", "calculate_gains_sieve"):
        compiled = getattr(loops, name)
        if not hasattr(compiled, "cache_info"):
            setattr(loops, name, cache(compiled))

    def query(vectors: F32, count: int) -> I64:
        similar = vectors @ vectors.T
        np.maximum(similar, 0, out=similar)
        chosen = FacilityLocationSelection(count, metric="precomputed", optimizer=optimiser)
        return np.asarray(chosen.fit(similar).ranking, np.int64)

    return query
