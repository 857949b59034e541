"""One row of results.json, and what it takes to hold."""

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """`ratio` is peer_s / ours_s where the target begins with >=, ours_s / peer_s where it begins
    with <=. Where something other than time is measured, `unit` says what the two numbers are."""

    name: str
    ours_s: float
    peer: str
    peer_s: float
    ratio: float
    target: str
    held: bool
    unit: str = "s"

    def as_json(self) -> dict[str, object]:
        """For results.json."""
        return asdict(self)


def compare(
    name: str,
    ours: float,
    peer: str,
    theirs: float,
    direction: Literal[">=", "<="],
    bound: float,
    *,
    ratio: float | None = None,
    unit: str = "s",
) -> Row:
    """A row; `ratio` overrides the quotient of the medians by the median of the quotients."""
    quotient = ratio if ratio is not None else (theirs / ours if direction == ">=" else ours / theirs)
    held = quotient >= bound if direction == ">=" else quotient <= bound
    return Row(name, ours, peer, theirs, quotient, f"{direction} {bound:g} x", held, unit)
