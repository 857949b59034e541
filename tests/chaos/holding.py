"""What a lease is to the laws of the chaos test."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holding:
    """One item in one batch for a time.

    `from_ms` and `until_ms` are by the catalog's clock. It was given between `begin_ns` and
    `end_ns` by the clients' clock: those of the call. `asked`: by a Query, not by a renewal.
    """

    item_id: str
    batch: str
    from_ms: int
    until_ms: int
    begin_ns: int
    end_ns: int
    asked: bool

    @property
    def name(self) -> str:
        """For complaints."""
        return f"{self.item_id} in {self.batch}"
