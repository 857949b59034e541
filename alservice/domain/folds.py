"""Folds for cross-validation that keep together what is nearly the same.

A row whose twin is in the training part is not an unseen row: it makes every model look
good, and the least regularised one best. So rows of one group, and rows whose vectors are
nearly equal, share a fold.
"""

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

NEAR: Final = 0.03  # two independent rows are about 1.4 apart in these units
_BLOCK_ROWS: Final = 512
_CHAINED: Final = 3.0  # times NEAR: rows so far from their group's mean are no duplicates


def canonical(vectors: F32, classes: I64, weights: F32) -> I64:
    """An order of rows (n,) that depends on what they hold, not on how they arrived.

    Folds, and the sample that chooses a setting, are then as good as random and the same for
    every order of the labels.
    """
    rows = np.ascontiguousarray(vectors)
    hashes = np.fromiter((zlib.crc32(row.data) for row in rows), np.int64, len(rows))
    return np.lexsort((weights, classes, hashes)).astype(np.int64)


def assign(groups: I64, classes: I64, count: int) -> I64:
    """The fold (n,) of each row, in [0, count): whole groups, classes spread evenly.

    Groups are placed largest first, each into the fold that has fewest rows of the group's
    commonest class, then fewest rows. The order of rows decides only among equals.
    Greedy stratification, as in scikit-learn's `StratifiedGroupKFold`.
    """
    members, group_of = np.unique(groups, return_inverse=True)
    table = np.zeros((len(members), int(classes.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(table, (group_of, classes), 1)
    # Commonest class first, so that one class is dealt out before the next begins.
    order = np.lexsort((table.argmax(axis=1), -table.sum(axis=1)))
    commonest, size = table.argmax(axis=1), table.sum(axis=1)
    rows, filled = len(groups) + 1, np.zeros((table.shape[1], count), dtype=np.int64)
    sizes = np.zeros(count, dtype=np.int64)
    fold_of = np.empty(len(members), dtype=np.int64)
    for group in order:
        fold = int(np.argmin(filled[commonest[group]] * rows + sizes))
        fold_of[group] = fold
        filled[:, fold] += table[group]
        sizes[fold] += size[group]
    return np.asarray(fold_of[group_of], dtype=np.int64)


def together(vectors: F32, groups: I64 | None) -> I64:
    """Group numbers (n,) that join `groups` and the near-duplicates among `vectors` (n, d).

    `vectors` are centred and have a mean squared norm of about 1. Near means closer than
    0.03. In one or two dimensions that may chain half of a large sample together; then only
    equal rows count as the same.
    """
    near = _components(len(vectors), _near_pairs(vectors))
    largest = vectors[near == np.bincount(near).argmax()]
    if np.linalg.norm(largest - largest.mean(axis=0), axis=1).max() > _CHAINED * NEAR:
        near = np.unique(vectors, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    if groups is None:
        return near
    return _components(len(vectors), np.concatenate([_chain(near), _chain(groups)]))


def _near_pairs(vectors: F32) -> I64:
    """Pairs (p, 2) of rows closer than `NEAR`, by blocks of the distance matrix."""
    norms = np.einsum("ij,ij->i", vectors, vectors)
    found = []
    for start in range(0, len(vectors), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        gaps = norms[block, None] + norms[None, start:]
        gaps -= 2 * (vectors[block] @ vectors[start:].T)
        left, right = np.nonzero(gaps < NEAR * NEAR)
        later = left < right
        found.append(np.stack([left[later], right[later]], axis=1) + start)
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)


def _chain(groups: I64) -> I64:
    """Pairs (p, 2) that link each row to the next one of its group."""
    order = np.argsort(groups, kind="stable")
    same = groups[order[1:]] == groups[order[:-1]]
    return np.stack([order[:-1][same], order[1:][same]], axis=1)


def _components(n: int, pairs: I64) -> I64:
    """The smallest row (n,) that each row is linked to, through any number of pairs.

    Labels sink along the pairs and then jump to their label's label until nothing moves
    (Shiloach & Vishkin 1982): a handful of vectorised sweeps.
    """
    label = np.arange(n, dtype=np.int64)
    while True:
        before = label.copy()
        lower = np.minimum(label[pairs[:, 0]], label[pairs[:, 1]])
        # The roots sink too, so that whole trees merge.
        for side in (0, 1):
            np.minimum.at(label, before[pairs[:, side]], lower)
            np.minimum.at(label, pairs[:, side], lower)
        label = label[label]
        if np.array_equal(label, before):
            return label
