"""Pools with a model and labels, and the awkward ones that every selecting strategy must bear."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from alservice.core import Block, Engine, Ranked
from alservice.domain.head import Head, LinearHead
from alservice.domain.pool_view import PoolView
from alservice.scoring.scored import PoolScores
from alservice.strategies import margin

ENGINE = Engine(1)


@dataclass(frozen=True, kw_only=True)
class Modelled:
    """Points with a linear model; a view of them is what a strategy is given."""

    points: np.ndarray
    head: Head
    anchors: np.ndarray
    classes: np.ndarray
    excluded: np.ndarray
    costs: np.ndarray | None = None
    penalty: float = 0.01
    parameters: dict[str, float] = field(default_factory=dict)

    def view(self, *cuts: int, seed: int = 1) -> PoolView:
        """The pool, cut into blocks that begin at these positions."""
        edges = sorted({0, len(self.points), *(min(c, len(self.points)) for c in cuts)})
        spans = list(pairwise(edges))
        blocks = [self._block(a, b) for a, b in spans]
        costs = [None if self.costs is None else self.costs[a:b] for a, b in spans]
        return PoolView(
            blocks=blocks,
            anchors=self.anchors,
            anchor_classes=self.classes,
            class_count=self.head.bias.shape[0],
            seed=seed,
            engine=ENGINE,
            parameters=self.parameters,
            scored=PoolScores(
                strategy=margin.STRATEGY,
                blocks=blocks,
                head=self.head,
                engine=ENGINE,
                seed=seed,
                cancel=None,
            ),
            head=self.head,
            penalty=self.penalty,
            costs=costs,
        )

    def _block(self, start: int, end: int) -> Block:
        hashes = np.random.default_rng(5).integers(0, 2**64, len(self.points), dtype=np.uint64)
        bits = np.packbits(self.excluded[start:end], bitorder="little")
        vectors = np.ascontiguousarray(self.points[start:end])
        vectors.flags.writeable = False
        return Block(vectors, hashes[start:end].copy(), bits)

    @property
    def open_count(self) -> int:
        """How many may be chosen."""
        return int((~self.excluded).sum())

    def where(self, ranked: Ranked, *cuts: int) -> list[int]:
        """Positions of the chosen in `points`."""
        edges = sorted({0, len(self.points), *(min(c, len(self.points)) for c in cuts)})
        return [edges[b] + int(r) for b, r in zip(ranked.block, ranked.row, strict=True)]


def modelled(
    seed: int,
    n: int = 30,
    *,
    dimension: int = 4,
    classes: int = 3,
    labels: int = 6,
    leased: int = 0,
    excluded: float = 0.2,
) -> Modelled:
    """Gaussian points and a random model; the labels are those that the model gives."""
    rng = np.random.default_rng(seed)
    head = LinearHead(
        rng.normal(size=(classes, dimension)).astype(np.float32),
        rng.normal(size=classes).astype(np.float32),
    )
    anchors = rng.normal(size=(labels + leased, dimension)).astype(np.float32)
    given = head.logits(anchors).argmax(axis=1).astype(np.int64) if len(anchors) else np.zeros(0)
    given = np.asarray(given, np.int64)
    given[labels:] = -1
    return Modelled(
        points=rng.normal(size=(n, dimension)).astype(np.float32),
        head=head,
        anchors=anchors,
        classes=given,
        excluded=rng.random(n) < excluded,
    )


def _edges() -> dict[str, Modelled]:
    plain = modelled(3)
    n = len(plain.points)
    one_class = LinearHead(np.ones((1, 4), np.float32), np.zeros(1, np.float32))
    none = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    return {
        "plain": plain,
        "all points equal": replace(plain, points=np.ones((n, 4), np.float32)),
        "zero vectors": replace(plain, points=np.zeros((n, 4), np.float32)),
        "zero vectors and zero anchors": replace(
            plain,
            points=np.zeros((n, 4), np.float32),
            anchors=np.zeros_like(plain.anchors),
        ),
        "one class": replace(plain, head=one_class, classes=np.zeros_like(plain.classes)),
        "no anchors": replace(plain, anchors=none[0], classes=none[1]),
        "anchors of no dimension": replace(
            plain, anchors=np.zeros((0, 0), np.float32), classes=none[1]
        ),
        "leased only": replace(plain, classes=np.full_like(plain.classes, -1)),
        "one label": replace(plain, anchors=plain.anchors[:1], classes=plain.classes[:1]),
        "everything excluded": replace(plain, excluded=np.ones(n, np.bool_)),
        "no rows": modelled(4, 0),
        "one row": modelled(4, 1, excluded=0),
        "certain": replace(
            plain,
            head=LinearHead(1000 * np.eye(3, 4, dtype=np.float32), np.zeros(3, np.float32)),
        ),
    }


EDGES = _edges()
COUNTS = (0, 1, 7, 100)


def check_edges(
    select: Callable[[PoolView, int], Ranked], *, may_fall_short: bool = False
) -> None:
    """On every awkward pool: distinct open rows, as many as asked or all, whatever the cut."""
    for name, pool in EDGES.items():
        for count in COUNTS:
            _check_edge(name, pool, select, count, may_fall_short)


def _check_edge(
    name: str,
    pool: Modelled,
    select: Callable[[PoolView, int], Ranked],
    count: int,
    may_fall_short: bool,  # noqa: FBT001
) -> None:
    chosen = select(pool.view(), count)
    rows = pool.where(chosen)
    assert len(set(rows)) == len(rows), name
    assert not pool.excluded[rows].any(), name
    asked = min(count, pool.open_count)
    assert (len(rows) <= asked) if may_fall_short else (len(rows) == asked), (name, count)
    assert np.isfinite(chosen.score).all(), name
    for part in chosen.components.values():
        assert part.shape == chosen.score.shape and np.isfinite(part).all(), name
    again = select(pool.view(7, 19), count)
    assert pool.where(again, 7, 19) == rows, (name, count)
    np.testing.assert_array_equal(again.score, chosen.score, err_msg=name)


def rows_in_hash_order(pool: Modelled, seed: int = 1) -> list[int]:
    """The open rows as a strategy meets them: the first of equals wins."""
    return pool.where(ENGINE.random_top_k(pool.view(seed=seed).blocks, len(pool.points), seed))


def margins(pool: Modelled, rows: Sequence[int]) -> np.ndarray:
    """The scores of these rows, in float64."""
    logits = pool.points[list(rows)].astype(np.float64) @ pool.head.weights.T.astype(np.float64)
    shifted = logits + pool.head.bias.astype(np.float64)
    p = np.exp(shifted - shifted.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    top = np.sort(p, axis=1)
    return np.asarray(1 - (top[:, -1] - top[:, -2]))
