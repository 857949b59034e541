"""Files with items that lie where the server can read them: in a folder, in a bucket."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from alservice.domain.item import ItemBlock
from alservice.domain.source import SourceColumns

Tick = Callable[[], None]


def silent() -> None:
    """A `Tick` of whoever never wants to stop."""


class ItemSource(Protocol):
    """One file, opened: what it holds is known, its rows are not read yet."""

    @property
    def count(self) -> int:
        """How many items it holds: at least one."""

    @property
    def dimension(self) -> int:
        """Numbers of each vector; 0 where it holds no vectors."""

    @property
    def names(self) -> Sequence[str]:
        """The columns or arrays that it holds, taken or not."""

    @property
    def size_bytes(self) -> int:
        """The size of the file."""

    @property
    def version(self) -> str:
        """Differs once the file has been written again."""

    def blocks(self, start: int = 0, tick: Tick = silent) -> Iterator[ItemBlock]:
        """The items from row `start` on, in order, about a mebibyte at a time.

        Memory does not grow with the file. `tick` is called every now and then while what is
        before `start` is read in vain, and may raise. Raises SourceInvalid,
        ObjectStoreUnavailable, what `tick` raises.
        """

    def close(self) -> None:
        """Let go of the file. Idempotent."""


class ItemSources(Protocol):
    """Where such files may lie."""

    def open(self, uri: str, columns: SourceColumns) -> ItemSource:
        """Open a file: a path, or an address such as s3://bucket/folder/file.parquet.

        Raises ImportUnavailable, SourceNotAllowed, SourceNotFound, SourceInvalid, InvalidField
        (a column that is not there), ObjectStoreUnavailable.
        """

    def version(self, uri: str) -> str:
        """The version of a file as it is now, of which nothing is read.

        Raises ImportUnavailable, SourceNotAllowed, SourceNotFound, SourceInvalid,
        ObjectStoreUnavailable.
        """
