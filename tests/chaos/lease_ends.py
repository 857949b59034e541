"""What may have ended a lease, or a settled life, before its time.

Labels tell when by the catalog's clock. Deletions, new lives and releases tell it by the clients'
clock only: they took effect between the beginning and the end of their call.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tests.chaos.call import Call, possible
from tests.chaos.holding import Holding
from tests.e2e.expected import settling
from tests.e2e.found import Found, FoundLabel
from tests.e2e.history import Add, Delete, Refused, Release, Submit


class LeaseEnds:
    """All of them in one history."""

    def __init__(self, calls: Sequence[Call], found: Found) -> None:
        self._owner = {batch.name: batch.annotator for batch in found.batches}
        self._settling = settling(found.labels)
        self._labels: dict[str, list[FoundLabel]] = defaultdict(list)
        for row in found.labels:
            self._labels[row.item_id].append(row)
        self._touched: dict[str, list[Call]] = defaultdict(list)
        self._released: dict[str, list[Call]] = defaultdict(list)
        self._imports: dict[str, list[Call]] = defaultdict(list)
        self._submits: dict[int, Call] = {}
        for call in possible(calls):
            self._note(call)

    def excuse(self, earlier: Holding, later: Holding) -> bool:
        """Whether the earlier lease may have been over when the later one was given."""
        calls = (*self._released[earlier.batch], *self._touched[earlier.item_id])
        return _any_between(earlier.begin_ns, calls, later.end_ns) or any(
            earlier.from_ms <= row.create_ms <= later.from_ms and self._ends(row, earlier)
            for row in self._labels[earlier.item_id]
        )

    def is_settled(self, holding: Holding) -> bool:
        """Whether the item was settled when it was handed out, and its life cannot have ended."""
        before = [
            row
            for row in self._labels[holding.item_id]
            if row.outcome != "ABSTAIN" and row.create_ms < holding.from_ms
        ]
        if not before:
            return False
        said = self._said(max(before, key=lambda row: row.create_ms))
        touched = self._touched[holding.item_id]
        if said is None:  # from nowhere, of which another law complains
            return not touched
        others = [call for call in touched if call is not said]
        return not _any_between(said.begin_ns, others, holding.end_ns)

    def _note(self, call: Call) -> None:
        action = call.request.action
        if isinstance(action, Delete) or (isinstance(action, Add) and action.replace):
            for item_id in action.ids:
                self._touched[item_id].append(call)
        if isinstance(action, Add) and not isinstance(call.result, Refused):
            for item_id, class_id in zip(action.ids, action.classes, strict=True):
                if class_id:
                    self._imports[item_id].append(call)
        if isinstance(action, Release):
            self._released[action.batch].append(call)
        if isinstance(action, Submit):
            self._submits |= {answer.token: call for answer in action.answers}

    def _said(self, row: FoundLabel) -> Call | None:
        """The call that brought the label. Uploads of an item come one after the other."""
        if row.token:
            return self._submits.get(row.token)
        lives = [each.incarnation for each in self._labels[row.item_id] if not each.token]
        number, calls = lives.index(row.incarnation), self._imports[row.item_id]
        return calls[number] if number < len(calls) else None

    def _ends(self, row: FoundLabel, holding: Holding) -> bool:
        return row.token in self._settling or row.annotator == self._owner.get(holding.batch)


def _any_between(begin_ns: int, calls: Iterable[Call], end_ns: int) -> bool:
    """Whether one of them may have taken effect between the two."""
    return any(call.end_ns > begin_ns and call.begin_ns < end_ns for call in calls)
