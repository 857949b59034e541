"""Laws of calls: they succeed in time, a repeated one gets an equal answer, work ends once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from tests.chaos.call import Call, effective
from tests.e2e.complaint import named
from tests.e2e.found import Found
from tests.e2e.history import Cancel, Follow, Outcome, Refused, Result
from tests.e2e.traffic import HARMLESS

MOST_FAILURES: Final = 0.001  # of all calls
CANCELLED: Final = "error 1:"


def patient(calls: Sequence[Call]) -> list[Call]:
    """Those that were given the time to succeed."""
    return [call for call in calls if not call.hurried]


def in_time(calls: Sequence[Call]) -> Iterator[str]:
    """Nearly all calls get an answer within the client's patience."""
    waited = patient(calls)
    failed = [call for call in waited if call.result is None]
    if len(failed) > MOST_FAILURES * len(waited):
        yield from named(
            f"of {len(waited)} calls got no answer in time",
            [f"{call.request.request_id} ({call.failure})" for call in failed],
        )


def refusals(calls: Sequence[Call]) -> Iterator[str]:
    """Nothing is refused but what a state of the project explains."""
    yield from named(
        "calls were refused",
        [
            f"{call.request.request_id}: {call.result.reason} {call.failure}"
            for call in calls
            if isinstance(call.result, Refused) and call.result.reason not in HARMLESS
        ],
    )


def repetitions(calls: Sequence[Call]) -> Iterator[str]:
    """Whoever asks again under the same request_id is told the same."""
    told: dict[str, list[Result]] = defaultdict(list)
    for call in calls:
        if call.result is not None:
            told[call.request.request_id].append(call.result)
    differ = [
        name
        for name, results in told.items()
        if not isinstance(results[0], Refused) and any(r != results[0] for r in results[1:])
    ]
    yield from named("requests got two different answers", differ)


def endings(calls: Sequence[Call], found: Found) -> Iterator[str]:
    """Every operation has ended, once: whoever saw its end saw the same one."""
    ends = {operation.name: operation.outcome for operation in found.operations}
    yield from named("operations never ended", [name for name, end in ends.items() if not end])
    seen = {
        (call.request.action.operation, call.result.outcome)
        for call in effective(calls)
        if isinstance(call.request.action, Follow) and isinstance(call.result, Outcome)
        if call.result.outcome
    }
    yield from named(
        "operations ended twice", {name for name, end in seen if ends.get(name) != end}
    )
    actions = [call.request.action for call in calls]
    asked = {action.operation for action in actions if isinstance(action, Cancel)}
    stopped = {name for name, end in ends.items() if end.startswith(CANCELLED)}
    yield from named("operations were cancelled by nobody", stopped - asked)


def agreement(founds: Sequence[Found]) -> Iterator[str]:
    """All replicas tell the same state; how many items are leased out depends on when one asks."""
    founds = [replace(found, counts=_lasting(found)) for found in founds]
    parts = ("items", "labels", "settled_labels", "batches", "operations", "models", "counts")
    for part in (*parts, "revision"):
        if any(getattr(found, part) != getattr(founds[0], part) for found in founds[1:]):
            yield f"replicas disagree about {part}"


def _lasting(found: Found) -> tuple[tuple[str, int], ...]:
    return tuple((name, count) for name, count in found.counts if name != "leased_count")
