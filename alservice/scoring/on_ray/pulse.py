"""Whether an actor that is at work still answers; its methods run on threads beside the work."""

import time
from collections.abc import Container
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Pulse:
    """When an actor was last heard or asked, and the question that it has not answered yet."""

    heard: float
    asked: Any = None

    def beats(self, answered: Container[Any], actor: Any, silent_s: float) -> bool:
        """False if asked `silent_s` ago in vain; asks a quarter of that after an answer."""
        now = time.monotonic()
        if self.asked is not None and self.asked in answered:
            self.heard, self.asked = now, None
        elif self.asked is None and now - self.heard > silent_s / 4:
            self.heard, self.asked = now, actor.about.remote()
        return self.asked is None or now - self.heard <= silent_s
