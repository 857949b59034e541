"""How many items of a batch are audit: a uniform sample that measures and never trains.

Counted cumulatively over all that was handed out, so that batches of one add up to the same share.
"""

from alservice.domain.project import Policy

FIRST_SHARE = 0.1
LATER_SHARE = 0.05
FIRST_TARGET = 100


def audit_target(policy: Policy, handed_out: int) -> int:
    """How many of the first `handed_out` items should be audit.

    By default a tenth until there are 100, then a twentieth of what follows.

    >>> [audit_target(Policy(), n) for n in (5, 10, 1_000, 1_020)]
    [0, 1, 100, 101]
    """
    if policy.reserve_share == 0:
        return 0
    if policy.audit_share is not None:
        return _share(policy.audit_share, handed_out)
    first = min(handed_out, round(FIRST_TARGET / FIRST_SHARE))
    return _share(FIRST_SHARE, first) + _share(LATER_SHARE, handed_out - first)


def audit_count(policy: Policy, audit_asked: int, handed_out: int, batch_size: int) -> int:
    """How many of the next `batch_size` items should be audit."""
    due = audit_target(policy, handed_out + batch_size) - audit_asked
    return max(0, min(batch_size, due))


def _share(share: float, count: int) -> int:
    return int(share * count + 1e-9)
