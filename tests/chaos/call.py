"""One sending of a request as its client saw it, and what many of them make of a history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.e2e.history import Entry, History, Refused, Request, Result

NEVER: Final = 2**63


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way, with all attempts that the client makes within its patience.

    Times are of one monotonic clock, in ns. `result` None: no answer came, and it may have taken
    effect before `end_ns` or later. `hurried`: the caller meant to give up early. `attempts`
    counts unary calls or streams; `failure` is the last thing heard.
    """

    request: Request
    begin_ns: int
    end_ns: int = NEVER
    result: Result | None = None
    hurried: bool = False
    attempts: int = 1
    failure: str = ""

    @property
    def seconds(self) -> float:
        """How long the caller waited."""
        return (self.end_ns - self.begin_ns) / 1e9


def intentions(calls: Iterable[Call]) -> list[Call]:
    """One for each request: from its first sending to its first answer, whatever came between."""
    first: dict[str, Call] = {}
    for call in sorted(calls, key=lambda call: call.begin_ns):
        name = call.request.request_id
        known = first.get(name)
        if known is None or known.result is None:
            lost = known or replace(call, attempts=0)
            attempts = lost.attempts + call.attempts
            first[name] = Call(
                call.request, lost.begin_ns, call.end_ns, call.result, call.hurried, attempts
            )
    return sorted(first.values(), key=lambda call: call.end_ns)


def history_of(calls: Sequence[Call]) -> History:
    """What was acknowledged, in the order of the answers, and what may have happened."""
    history = History()
    for call in intentions(calls):
        if call.result is None:
            history.pending[call.request.request_id] = call.request
        else:
            history.entries.append(Entry(call.request, call.result))
    return history


def effective(calls: Iterable[Call]) -> list[Call]:
    """Intentions that were answered and not refused."""
    return [
        call
        for call in intentions(calls)
        if call.result is not None and not isinstance(call.result, Refused)
    ]


def possible(calls: Iterable[Call]) -> list[Call]:
    """Intentions that took effect between their two times, or may have, by their beginnings.

    A refusal speaks for the attempt that heard it: one that was lost before may have succeeded.
    What became of a lost one nobody knows, nor when.
    """
    ends = [
        replace(call, end_ns=NEVER) if _is_unknown(call) else call
        for call in intentions(calls)
        if not isinstance(call.result, Refused) or call.attempts > 1
    ]
    return sorted(ends, key=lambda call: call.begin_ns)


def _is_unknown(call: Call) -> bool:
    return call.result is None or isinstance(call.result, Refused)
