"""Give audit items a place and scores among the picks, so that neither tells the arm.

A strategy that takes the best has no true score for what it did not take that would not stand
out: below all others, or equal to one of them. So an audit item gets numbers between those of two
picks that follow each other. Which two follows from the project's salt, which no answer shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from alservice.core import keyed_hash
from alservice.usecases.open_blocks import Candidate


def disguised(
    audits: Sequence[Candidate], picks: Sequence[Candidate], key: int
) -> list[Candidate]:
    """The audits with scores and parts between those of neighbouring picks, best first."""
    if not picks:
        return [replace(audit, score=0.0, components={}) for audit in audits]
    ordered = sorted(picks, key=lambda pick: -pick.score)
    chances = keyed_hash(np.arange(2 * len(audits), dtype=np.uint64), key)
    gaps = max(len(ordered) - 1, 1)
    places = (chances[::2] % np.uint64(gaps)).tolist()
    shares = (chances[1::2] / 2.0**64).tolist()
    return [
        _between(audit, ordered[place], ordered[min(place + 1, len(ordered) - 1)], share)
        for audit, place, share in zip(audits, places, shares, strict=True)
    ]


def _between(audit: Candidate, above: Candidate, below: Candidate, share: float) -> Candidate:
    return replace(
        audit,
        score=_mixed(above.score, below.score, share),
        components=_parts(above.components, below.components, share),
    )


def _parts(
    above: Mapping[str, float], below: Mapping[str, float], share: float
) -> dict[str, float]:
    return {name: _mixed(part, below.get(name, part), share) for name, part in above.items()}


def _mixed(a: float, b: float, share: float) -> float:
    """A number between both; as short as those of the core, which are float32."""
    return float(np.float32(a + share * (b - a)))
