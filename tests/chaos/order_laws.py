"""Laws of revisions over time: whichever replica answers, nobody is shown the past.

A call that begins after another has ended must see what that one has seen or done: the real-time
order of linearizability (Herlihy and Wing, 1990), for one number that only grows.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chaos.call import Call, effective
from tests.e2e.complaint import named
from tests.e2e.history import Count, Handed, Seen


def never_back(calls: Sequence[Call]) -> Iterator[str]:
    """A call shows no revision before one that was shown earlier; a change makes a later one."""
    shown = [call for call in effective(calls) if _revision(call) is not None]
    ended = sorted(shown, key=lambda call: call.end_ns)
    floor, behind, wrong = -1, 0, []
    for call in sorted(shown, key=lambda call: call.begin_ns):
        while ended[behind].end_ns < call.begin_ns:
            floor = max(floor, _revision(ended[behind]) or 0)
            behind += 1
        if (_revision(call) or 0) < floor + _changes(call):
            wrong.append(f"{call.request.request_id} at {_revision(call)} after {floor}")
    yield from named("calls saw a revision that was over", wrong)


def each_its_own(calls: Sequence[Call]) -> Iterator[str]:
    """No two changes have the same revision."""
    made = Counter(_revision(call) for call in effective(calls) if _changes(call))
    yield from named("revisions belong to two changes", [r for r, n in made.items() if n > 1])


def _revision(call: Call) -> int | None:
    """Of the state that the answer shows."""
    result = call.result
    if isinstance(result, Count):
        return result.numbers[-1]
    if isinstance(result, Seen):
        return result.revision
    if isinstance(result, Handed) and result.hold is not None:
        return result.hold.revision or None  # a Renew tells none
    return None


def _changes(call: Call) -> bool:
    """Whether items were added, changed or removed."""
    return isinstance(call.result, Count) and call.result.numbers[0] > 0
