"""The cluster: the one row that a catalog has about itself."""

from dataclasses import dataclass
from typing import Final

KEPT: Final = 1_500  # turns that a catalog remembers: a day of one a minute, 17 bytes each


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """`uid` is the catalog's for ever, `place` the id of the place where all files are.

    `address` is what people called that place when it was last used: for them, decides nothing.
    `turns` are names that the catalog has given itself, the newest last, of which the place
    shows one: a copy of the catalog that goes its own way does not know those that came after.
    `database` tells the database in which it lives from others; "" where nothing does.
    """

    uid: str
    place: str = ""
    turns: tuple[str, ...] = ()
    database: str = ""
    address: str = ""

    def with_turn(self, turn: str) -> tuple[str, ...]:
        """The turns, this one last."""
        return (*self.turns, turn)[-KEPT:]
