"""Taking turns: how groups share the places of a batch."""

import numpy as np

from alservice.domain.pool_view import I64


def turns(sizes: I64, count: int, taken: I64 | None = None) -> tuple[I64, I64]:
    """Deal `count` places to groups of these sizes (g,), round after round, in their order.

    Returns for each place the group and which of its members it is (0 first), both (m,); m is
    less than `count` only where the groups have fewer members. A group that has `taken` (g,)
    places already sits out as many rounds.
    """
    group = np.repeat(np.arange(len(sizes)), sizes)
    member = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    turn = member if taken is None else member + taken[group]
    order = np.lexsort((group, turn))[:count]
    return group[order].astype(np.int64), member[order].astype(np.int64)
