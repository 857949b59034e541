"""How often, and for how long, a transaction is begun again."""

import random
import time
from typing import Final

import psycopg

from alservice.storage.catalog.postgres_errors import Verdict, told, verdict

AWAY_S: Final = 8.0  # longer than a restart; then the caller is told, who can go elsewhere
_RACES: Final = 12
_FIRST_S: Final = 0.005
_LONGEST_S: Final = 0.5


class Patience:
    """One call's patience with a database: bounded in time where it is away, else in tries."""

    def __init__(self, away_s: float = AWAY_S) -> None:
        self._away_s = away_s
        self._lost_since_s: float | None = None
        self._races = 0
        self._pause_s = _FIRST_S

    def after(self, error: psycopg.Error) -> None:
        """Return when it is time to try again, after a random pause. Raises what to tell."""
        kind = verdict(error)
        self._races += kind is Verdict.RACE
        if kind is Verdict.LOST and self._lost_since_s is None:
            self._lost_since_s = time.monotonic()
        if not self._goes_on(kind):
            raise told(error) from error
        time.sleep(self._pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        self._pause_s = min(2 * self._pause_s, _LONGEST_S)

    def _goes_on(self, kind: Verdict) -> bool:
        if kind is Verdict.RACE:
            return self._races < _RACES
        if kind is Verdict.LOST:
            since_s = self._lost_since_s or 0.0
            return time.monotonic() - since_s < self._away_s
        return False
