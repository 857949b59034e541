"""What a run measured, as numbers."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from tests.chaos.call import Call
from tests.chaos.call_laws import patient
from tests.e2e.found import Found
from tests.e2e.history import Add, Refused

LAPSED: Final = 2  # the attempt that follows one that was lost


def figures(calls: Sequence[Call], found: Found) -> dict[str, Any]:
    """JSON. Times are in seconds."""
    waited = patient(calls)
    answered = [call for call in waited if call.result is not None]
    streams = [c for c in calls if isinstance(c.request.action, Add) and c.request.action.streamed]
    return {
        "calls": len(waited),
        "calls_without_answer": len(waited) - len(answered),
        "answered_share": len(answered) / max(len(waited), 1),
        "refused": sum(isinstance(call.result, Refused) for call in answered),
        "repeated_by_the_client": sum(call.attempts > 1 for call in waited),
        "in_a_hurry": len(calls) - len(waited),
        "in_a_hurry_without_answer": sum(c.hurried and c.result is None for c in calls),
        "streams": len(streams),
        "streams_that_were_resumed": sum(c.attempts > 1 and c.result is not None for c in streams),
        "labels": len(found.labels),
        "items": len(found.items),
        "batches": len(found.batches),
        "operations": len(found.operations),
        "operations_taken_over": sum(o.attempt >= LAPSED for o in found.operations),
        "seconds": _times(answered),
    }


def _times(calls: Sequence[Call]) -> dict[str, dict[str, float]]:
    by_kind: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        by_kind[type(call.request.action).__name__].append(call.seconds)
    return {
        kind: {
            "calls": len(times),
            **{name: round(_quantile(times, q), 3) for name, q in _QUANTILES.items()},
        }
        for kind, times in sorted(by_kind.items())
    }


_QUANTILES: Final = {"p50": 0.5, "p99": 0.99, "max": 1.0}


def _quantile(times: Sequence[float], share: float) -> float:
    return sorted(times)[round(share * (len(times) - 1))]
