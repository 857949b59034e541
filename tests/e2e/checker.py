"""Compares what clients were told with what the server says now: every law is one function.

A request without an answer may have happened or not, but as a whole. All else must be there,
once. See `history` and `found` for the two sides.
"""

from tests.e2e import batch_laws, item_laws, label_laws
from tests.e2e.found import Found
from tests.e2e.history import History
from tests.e2e.memory import Memory


def complaints(history: History, found: Found, memory: Memory | None = None) -> list[str]:
    """Everything that is wrong, in words; empty if nothing is. `memory` learns from `found`."""
    seen = memory or Memory()
    return [
        *history.complaints,
        *item_laws.items(history, found),
        *item_laws.lives(history, found, seen),
        *item_laws.counts(found),
        *item_laws.revisions(history, found, seen),
        *label_laws.labels(history, found),
        *label_laws.imports(history, found),
        *label_laws.append_only(found, seen),
        *label_laws.settled(found),
        *label_laws.statuses(history, found),
        *label_laws.answered(found),
        *batch_laws.batches(history, found),
        *batch_laws.leases(history, found),
        *batch_laws.operations(history, found, seen),
    ]
