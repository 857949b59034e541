"""GALAXY: find where each class ends among the labelled items, then ask on both sides of it.

Uncertainty sampling trusts the model's own threshold, which for a rare class lies far from where
the class ends. Here the labels say between which items it must end.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Cancelled, Ranked
from alservice.domain.pool_view import take
from alservice.domain.shortlist import shortlist
from alservice.domain.strategy import F32, Need, Parameter, PoolView, Selecting

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

_CANDIDATES: Final = Parameter(
    name="candidates",
    description="Rows of a larger pool that may be chosen, half the best scored, half drawn; or "
    "four for each asked for, if more.",
    default=50_000,
    minimum=1,
    maximum=200_000,
)
_CELLS: Final = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The candidates ordered by how far one class is ahead of, or behind, the best other.

    Between two neighbouring labelled items, of which one is of the class and one is not, lies a
    path (low, high, held) of candidates: the class ends there. A path of length 0 is a cut found.
    `held` items between the two are leased.
    """

    label: int
    members: int  # labelled items of the class
    order: I32  # (n,), candidates by their lead, ascending
    asked: I64  # places in the order where leased items are, ascending
    paths: tuple[tuple[int, int, int], ...]


def select(pool: PoolView, count: int) -> Ranked:
    """Bisect the paths of all classes in turn, the shortest first; then spread from their ends.

    As no answers come between the picks of a batch, a pick divides its path in two either of
    which may hold the cut; the longest part is divided next. Leased items divide paths likewise,
    and are turns that their paths have had.
    Scores are 1 - |lead| of the class that asked; the part "path" is the number of candidates on
    the path that it divides, 0 next to a cut.
    """
    cap = pool.parameters.get(_CANDIDATES.name, _CANDIDATES.default)
    most = max(_most_rows(pool), count)
    rows = shortlist(pool, min(max(int(cap), 4 * count), most))
    if not len(rows.row):
        return rows
    ahead = lead(pool.probabilities(pool.vectors(rows)))
    lines = _lines(pool, ahead)
    seen: set[int] = set()
    picked: list[tuple[int, int, int]] = []
    for label, row, length in _asks(lines):
        if len(picked) == min(count, len(rows.row)):
            break
        if row not in seen:
            seen.add(row)
            picked.append((label, row, length))
    labels, order, lengths = np.array(picked, np.int64).reshape(-1, 3).T
    return take(rows, order, 1 - np.abs(ahead[order, labels]), path=lengths.astype(np.float32))


def _most_rows(pool: PoolView) -> int:
    """With how many rows there is still room for one number for each of them and each class."""
    return max(_CELLS // max(pool.class_count, 1), 1)


def lead(probabilities: F32) -> F32:
    """Each class probability minus the greatest of the others: (n, C); 1 for a single class."""
    if probabilities.shape[1] < 2:
        return np.ones_like(probabilities)
    top = np.partition(probabilities, -2, axis=1)
    best, second = top[:, -1:], top[:, -2:-1]
    ahead = probabilities - best
    at = np.arange(len(probabilities)), probabilities.argmax(axis=1)
    ahead[at] = (best - second)[:, 0]
    return ahead


def _lines(pool: PoolView, ahead: F32) -> list[_Line]:
    """One per class that has labels, the rarest first; of all classes if none has."""
    # Labelled items come in the order of hashes: of too many, those left are a fair sample.
    most = _most_rows(pool)
    held, classes = pool.anchors[-most:], pool.anchor_classes[-most:]
    labelled = np.unique(classes)
    labelled = labelled[labelled >= 0]
    known = lead(pool.probabilities(held)) if len(held) else ahead[:0]
    lines = []
    for label in range(ahead.shape[1]):
        if pool.cancel is not None and pool.cancel.cancelled:
            raise Cancelled
        if label in labelled or not len(labelled):
            lines.append(_line(label, ahead[:, label], known[:, label], classes))
    return sorted(lines, key=lambda line: (line.members, line.label))


def _line(label: int, ahead: F32, known: F32, classes: I64) -> _Line:
    order = np.argsort(ahead, kind="stable").astype(np.int32)
    ranked = ahead[order]
    labelled = np.flatnonzero(classes >= 0)
    labelled = labelled[np.argsort(known[labelled], kind="stable")]
    leased, ahead = np.sort(known[classes < 0]), known[labelled]
    places = np.searchsorted(ranked, ahead)
    before, until = (np.searchsorted(leased, ahead, side=side) for side in ("left", "right"))
    inside = classes[labelled] == label
    ends = np.flatnonzero(inside[1:] != inside[:-1])
    paths = [(int(places[e]), int(places[e + 1]), int(until[e + 1] - before[e])) for e in ends]
    if not paths:
        # Nothing says yet where the class ends but the model.
        threshold = int(np.searchsorted(ranked, 0))
        paths = [(threshold, threshold, 0)]
    return _Line(
        label=label,
        members=int(inside.sum()),
        order=order,
        asked=np.searchsorted(ranked, leased),
        paths=tuple(paths),
    )


def _asks(lines: list[_Line]) -> Iterator[tuple[int, int, int]]:
    """Class, candidate and length of its path, for ever better reasons first; with repeats."""
    paths = [(b - a, held, line, a, b) for line in lines for a, b, held in line.paths]
    paths.sort(key=lambda path: path[0])
    yield from _in_turn([(h, _named(line, _bisect(line, a, b), n)) for n, h, line, a, b in paths])
    had = len(lines[0].asked) if lines else 0
    turns = [(had + len(lines) - 1 - place) // len(lines) for place in range(len(lines))]
    streams = [_named(line, _spread(line), 0) for line in lines]
    yield from _in_turn(list(zip(turns, streams, strict=True)))


def _named(line: _Line, places: Iterator[int], length: int) -> Iterator[tuple[int, int, int]]:
    for place in places:
        yield line.label, int(line.order[place]), length


def _bisect(line: _Line, low: int, high: int) -> Iterator[int]:
    """The places in [low, high): the middle of the longest part that is left, again and again."""
    inside = line.asked[(line.asked > low) & (line.asked < high)].tolist()
    edges = [low, *inside, high]
    parts = [(a - b, a, b) for a, b in pairwise(edges) if a < b]
    heapq.heapify(parts)
    while parts:
        _, start, end = heapq.heappop(parts)
        middle = (start + end - 1) // 2
        yield middle
        for a, b in ((start, middle), (middle + 1, end)):
            if a < b:
                heapq.heappush(parts, (a - b, a, b))


def _spread(line: _Line) -> Iterator[int]:
    """All places by their distance to the nearest path: in turn on either side of the cuts."""
    yield from map(int, _by_distance(line))


def _by_distance(line: _Line) -> I32:
    places = np.arange(len(line.order))
    distance = np.full(len(places), len(places))
    for low, high, _ in line.paths:
        outside = np.where(places < low, low - 1 - places, places - high)
        np.minimum(distance, np.maximum(outside, 0), out=distance)
    return np.argsort(distance, kind="stable").astype(np.int32)


def _in_turn(
    streams: list[tuple[int, Iterator[tuple[int, int, int]]]],
) -> Iterator[tuple[int, int, int]]:
    """One of each, again and again, until all are exhausted; of turns so many were had before."""
    turn = 0
    while streams:
        turn = max(turn, min(had for had, _ in streams))
        left = []
        for had, stream in streams:
            item = next(stream, None) if had <= turn else None
            if item is not None:
                yield item
            if item is not None or had > turn:
                left.append((had, stream))
        streams, turn = left, turn + 1


STRATEGY = Selecting(
    name="galaxy",
    version=1,
    summary="Where each class ends among the labelled items: finds rare classes.",
    reference=(
        "Zhang, Katz-Samuels & Nowak, GALAXY: Graph-based Active Learning at the Extreme, ICML "
        "2022"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS, Need.LABELS}),
    parameters=(_CANDIDATES,),
    scores="margin",
    shortlists=True,
    greedy=True,
)
