"""One row of results.json, and what it takes to hold."""

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison, or one that could not be made.

    `ratio` is peer_s / ours_s where the target begins with >=, ours_s / peer_s where it begins
    with <=. Where something other than time is measured, `unit` says what the two numbers are.
    A comparison that was skipped has no numbers and no `held`, and says why in `reason`.
    """

    name: str
    ours_s: float | None
    peer: str
    peer_s: float | None
    ratio: float | None
    target: str
    held: bool | None
    unit: str = "s"
    reason: str = ""

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
    """A row; `ratio` replaces the quotient of the medians by the median of the quotients."""
    at_least = direction == ">="
    quotient = ratio if ratio is not None else (theirs / ours if at_least else ours / theirs)
    held = quotient >= bound if at_least else quotient <= bound
    return Row(name, ours, peer, theirs, quotient, f"{direction} {bound:g} x", held, unit)


def skipped(name: str, peer: str, reason: str) -> Row:
    """A row for what could not be measured here."""
    return Row(name, None, peer, None, None, "", None, reason=reason)
