"""What a history makes of a pool and of its labels: the rules of the service, written plainly."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tests.e2e.found import FoundItem, FoundLabel
from tests.e2e.history import Action, Add, Delete, History, Update, effective


@dataclass(frozen=True, slots=True)
class Life:
    """One id: how often it was added, and what the present item carries."""

    lives: int = 0
    alive: bool = False
    cost: float = 0.0


Pool = dict[str, Life]


def expected_pool(history: History) -> Pool:
    """Every id that was ever added."""
    pool: Pool = {}
    for entry in effective(history.entries):
        apply(entry.request.action, pool)
    return pool


def apply(action: Action, pool: Pool) -> None:
    """What an action does to the pool."""
    if isinstance(action, Add):
        pool |= {i: Life(pool.get(i, Life()).lives + 1, alive=True) for i in action.ids}
    elif isinstance(action, Delete):
        pool |= {i: replace(pool[i], alive=False) for i in action.ids if i in pool}
    elif isinstance(action, Update):
        pool |= {i: replace(pool[i], cost=action.cost) for i in action.ids}


def matches(ids: Iterable[str], pool: Pool, there: Mapping[str, FoundItem]) -> bool:
    """Whether all these ids are as the pool says."""
    return all(_fits(pool.get(i, Life()), there.get(i)) for i in ids)


def _fits(life: Life, item: FoundItem | None) -> bool:
    if item is None:
        return not life.alive
    return life.alive and life.cost == item.cost


def adds_of(history: History) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """How often each (item, class) came with an upload: surely, and perhaps once more."""
    sure = [entry.request.action for entry in effective(history.entries)]
    perhaps = [request.action for request in history.pending.values()]
    return _classes(sure), _classes(perhaps)


def _classes(actions: Iterable[Action]) -> Counter[tuple[str, str]]:
    return Counter(
        (item_id, class_id)
        for action in actions
        if isinstance(action, Add)
        for item_id, class_id in zip(action.ids, action.classes, strict=True)
        if class_id
    )


def believed(log: Iterable[FoundLabel]) -> dict[tuple[str, int], FoundLabel]:
    """The row that settles each (item, incarnation): the first answer, or the last correction."""
    seats: dict[tuple[str, int], FoundLabel] = {}
    for row in log:
        key = (row.item_id, row.incarnation)
        if row.outcome != "ABSTAIN" and (key not in seats or row.provenance == "CORRECTED"):
            seats[key] = row
    return seats


def settling(log: Iterable[FoundLabel]) -> set[int]:
    """The answers, by token, that settled their item, even if a correction came later."""
    seen: set[tuple[str, int]] = set()
    tokens = set()
    for row in log:
        key = (row.item_id, row.incarnation)
        if row.outcome != "ABSTAIN" and (key not in seen or row.provenance == "CORRECTED"):
            seen.add(key)
            tokens.add(row.token)
    return tokens


def statuses_of(log: Iterable[FoundLabel]) -> dict[int, bool]:
    """Whether each answer disagreed with what was settled when it came, by token."""
    seats: dict[tuple[str, int], FoundLabel] = {}
    disagrees = {}
    for row in log:
        key = (row.item_id, row.incarnation)
        seat = seats.get(key)
        gives_way = seat is None or row.provenance == "CORRECTED"
        disagrees[row.token] = (
            seat is not None
            and not gives_way
            and row.outcome != "ABSTAIN"
            and not _agree(seat, row)
        )
        if row.outcome != "ABSTAIN" and gives_way:
            seats[key] = row
    return disagrees


def _agree(seat: FoundLabel, row: FoundLabel) -> bool:
    return seat.class_id == row.class_id if seat.class_id else seat.outcome == row.outcome
