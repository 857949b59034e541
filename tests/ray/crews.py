"""Crews for tests, on the one cluster of a run."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alservice.core import Block, Engine
from alservice.scoring.on_ray import Crew, OpenStore
from alservice.storage.open_elsewhere import open_elsewhere
from tests.scoring.stored import stored_block

ROWS = 1000


class Guest:
    """Ray as a crew uses it, which leaves it open for the next test."""

    def __init__(self, ray: Any) -> None:
        self.ray = ray

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ray, name)

    def shutdown(self) -> None:
        """Not now."""


def a_crew(
    ray: Any, folder: Path, mark: str | None = None, opener: OpenStore | None = None
) -> Crew:
    """Two actors on one node."""
    opener = opener or partial(open_elsewhere, None, folder)
    return Crew(lambda: Guest(ray), Engine(1), opener, mark, actors_per_node=2)


def some_blocks(folder: Path) -> list[Block]:
    """Four segments."""
    source = np.random.default_rng(3)
    return [
        stored_block(
            folder,
            Block(
                vectors=source.normal(size=(ROWS, 4)).astype(np.float32),
                id_hash=source.integers(0, 2**64, ROWS, dtype=np.uint64),
                excluded=np.zeros(ROWS // 8, np.uint8),
            ),
        )
        for _ in range(4)
    ]
