"""Files that nobody will ask for again go, and so do those that crashes have left behind.

Segments and artefacts are swept alike. Safe at any time, with any number of replicas; of the
copies of a catalog only the one that holds the place sweeps.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from alservice.domain.errors import AlserviceError, HousekeepingFailed
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.hold_place import HoldPlace

_PART: Final = 100  # files between two looks at who holds the place
_IN_A_ROW: Final = 3  # failures after which the place is called away


class Files(Protocol):
    """The files of one kind."""

    def remove(self, name: str, /) -> None:
        """Remove one; absent is fine."""

    def stray(self, known: Sequence[str], /) -> Sequence[str]:
        """Names of files that are not among `known`."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that name files of one kind: ids of those to remove, of all, and the last step."""

    dead: Callable[[Tx], Sequence[str]]
    known: Callable[[Tx], Sequence[str]]
    forget: Callable[[Tx, str], None]


@dataclass(frozen=True, slots=True)
class Swept:
    """How many files were removed: of rows, and without one."""

    dead: int
    strays: int


@dataclass(slots=True)
class SweepFiles:
    """One sweep of one kind."""

    catalog: Catalog
    hold: HoldPlace
    files: Files
    rows: Rows
    _failures: list[Exception] = field(default_factory=list)
    _in_a_row: int = 0

    def __call__(self) -> Swept:
        """Sweep once.

        What cannot be removed keeps nothing else from it. Raises HousekeepingFailed at the end of
        a sweep that left something behind, or where another copy of the catalog holds the place.
        """
        swept = Swept(self._dead(), self._strays())
        if self._failures:
            first = self._failures[0]
            text = f"{len(self._failures)} files could not be removed; the first: {first}"
            raise HousekeepingFailed(text, failures=len(self._failures)) from first
        return swept

    def _dead(self) -> int:
        count = 0
        for part in self._parts(self.catalog.transact(self.rows.dead)):
            gone = [name for name in part if self._remove(name)]
            if gone:  # rows go last: a file without a row would look like a stray only
                self.catalog.transact(lambda tx, gone=gone: self._forget(tx, gone))  # type: ignore[misc]
            count += len(gone)
        return count

    def _strays(self) -> int:
        # A file is made only after its row: so one that is new since the first list of rows
        # has a row in the second.
        suspects = self.files.stray(self._known())
        known = set(self._known()) if suspects else set()
        strays = [name for name in suspects if name not in known]
        return sum(self._remove(name) for part in self._parts(strays) for name in part)

    def _known(self) -> Sequence[str]:
        # Not `read`: a snapshot that lagged behind would make live files look stray.
        return self.catalog.transact(self.rows.known)

    def _parts(self, names: Sequence[str]) -> Iterator[list[str]]:
        """The names, in any order: a few that cannot be removed keep no others for ever."""
        mixed = random.sample(names, len(names))
        for start in range(0, len(mixed), _PART):
            self.hold.require()
            yield mixed[start : start + _PART]

    def _remove(self, name: str) -> bool:
        if self._in_a_row == _IN_A_ROW:
            return False
        try:
            self.files.remove(name)
        except (AlserviceError, OSError) as error:
            self._failures.append(error)
            self._in_a_row += 1
            return False
        self._in_a_row = 0
        return True

    def _forget(self, tx: Tx, names: Sequence[str]) -> None:
        for name in names:
            self.rows.forget(tx, name)
