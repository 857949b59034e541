"""What clients asked for, and what they were told: the words in which a history is written."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Add:
    """Items of one upload; `classes` are those of labels that exist already, "" for none.

    `replace`: the ids exist, and begin a new life.
    """

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    streamed: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Items to remove."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """Items that get a new cost."""

    ids: tuple[str, ...]
    cost: float


@dataclass(frozen=True, slots=True)
class Ask:
    """A Query."""

    annotator: str
    strategy: str
    size: int
    lease_s: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One label; `token` is a number of its own, sent as `seconds_spent`, which marks its row."""

    token: int
    item_id: str
    annotator: str
    class_id: str
    outcome: str = "VALUE"
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Submit:
    """Labels of one request."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Renew:
    """A batch to hold for longer."""

    batch: str


@dataclass(frozen=True, slots=True)
class Release:
    """A batch to give back."""

    batch: str


@dataclass(frozen=True, slots=True)
class Train:
    """A model to make."""

    force: bool


@dataclass(frozen=True, slots=True)
class Look:
    """The project, for its revision."""


@dataclass(frozen=True, slots=True)
class Follow:
    """An operation, to see how it ended."""

    operation: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """An operation to stop."""

    operation: str


@dataclass(frozen=True, slots=True)
class Count:
    """The answer to Add, Delete, Update: numbers, of which the last is the revision."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """A lease as an answer tells it: which items, between which times (ms) of the catalog.

    `revision` is that of the snapshot that a Query read.
    """

    from_ms: int
    until_ms: int
    ids: tuple[str, ...]
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Handed:
    """The answer to Ask, Renew, Release. `told` is all else that must not change."""

    batch: str
    ids: tuple[str, ...]
    told: str = ""
    hold: Hold | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Statuses:
    """The answer to Submit."""

    statuses: tuple[str, ...]
    settled: int = 0
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Queued:
    """The answer to Train."""

    operation: str
    model: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer to Look: the revision."""

    revision: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to Follow, Cancel: how the operation ended; "" if it has not, as far as told."""

    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """An error that promises that nothing happened."""

    reason: str


Action = Add | Delete | Update | Ask | Submit | Renew | Release | Train | Look | Follow | Cancel
Result = Count | Handed | Statuses | Queued | Seen | Outcome | Refused


@dataclass(frozen=True, slots=True)
class Request:
    """One action of one client under a name of its own, which every repetition carries."""

    client: str
    number: int
    action: Action

    @property
    def request_id(self) -> str:
        """Unique in the history."""
        return f"{self.client}-{self.number}"


@dataclass(frozen=True, slots=True)
class Entry:
    """An acknowledged request."""

    request: Request
    result: Result


@dataclass(slots=True)
class History:
    """Acknowledged requests in the order of their answers, and those that got no answer yet.

    A client has one request under way at a time, and its items are its own: only it adds,
    changes and deletes them.
    """

    entries: list[Entry] = field(default_factory=list)
    pending: dict[str, Request] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, request: Request) -> None:
        """It is about to be sent."""
        with self._lock:
            self.pending[request.client] = request

    def end(self, request: Request, result: Result) -> int:
        """It was answered; how many are by now."""
        with self._lock:
            del self.pending[request.client]
            self.entries.append(Entry(request, result))
            return len(self.entries)

    def complain(self, text: str) -> None:
        """Something went wrong that no state could show."""
        with self._lock:
            self.complaints.append(text)


def effective(entries: Sequence[Entry]) -> list[Entry]:
    """Those that were not refused."""
    return [entry for entry in entries if not isinstance(entry.result, Refused)]
