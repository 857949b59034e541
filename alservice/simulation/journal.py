"""Finished games, one line each, in a file that survives whatever stops the program."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alservice.simulation.game import Outcome

FILE: Final = "games.jsonl"


@dataclass(frozen=True, slots=True)
class Journal:
    """Outcomes by key. One process writes."""

    folder: Path

    @property
    def path(self) -> Path:
        """Where the lines are."""
        return self.folder / FILE

    def read(self) -> dict[str, Outcome]:
        """What is finished; a line that was cut off is as good as none."""
        if not self.path.exists():
            return {}
        outcomes = (_outcome(line) for line in self.path.read_text().splitlines())
        return {outcome.key: outcome for outcome in outcomes if outcome is not None}

    def add(self, outcome: Outcome) -> None:
        """Append a line in one write; on a new line if the last one was cut off."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            whole = not size or os.pread(descriptor, 1, size - 1) == b"\n"
            line = f"{'' if whole else chr(10)}{outcome.as_json()}\n".encode()
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


def _outcome(line: str) -> Outcome | None:
    try:
        return Outcome.from_json(json.loads(line))
    except (ValueError, TypeError):
        return None
