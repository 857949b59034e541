"""Small sets, games on them, and the public data where they are."""

import os
from pathlib import Path

import numpy as np
import pytest

from alservice.simulation.competitor import Competitor
from alservice.simulation.dataset import Dataset
from alservice.simulation.game import Game, Options, Source
from alservice.simulation.protocol import Protocol

ROOT = Path(__file__).parents[2]
PUBLIC = Path(os.environ.get("ALSERVICE_PUBLIC_DATA", ROOT.parent / "shared/data/public"))


def public(name: str) -> Path:
    """A public file; where it must be there (ALSERVICE_PUBLIC_DATA is set) its absence fails."""
    path = PUBLIC / name
    if not path.exists():
        if "ALSERVICE_PUBLIC_DATA" in os.environ:
            raise FileNotFoundError(path)
        pytest.skip(f"{path} is not there; ALSERVICE_PUBLIC_DATA says where the sets are")
    return path


def clouds(count: int = 120, classes: int = 3, seed: int = 0) -> Dataset:
    """Overlapping clouds in the plane, one per class."""
    draw = np.random.default_rng(seed)
    numbers = np.arange(count) % classes
    angles = 2 * np.pi * numbers / classes
    vectors = 2 * np.column_stack([np.cos(angles), np.sin(angles)]) + draw.normal(size=(count, 2))
    names = tuple(f"cloud {n}" for n in range(classes))
    return Dataset("clouds", vectors, numbers.astype(np.int64), names)


def save(data: Dataset, folder: Path) -> Source:
    """The set as a file."""
    path = folder / f"{data.name}.npz"
    np.savez(path, X=data.vectors, y=data.classes, label_names=np.array(data.class_names))
    return Source(path=path, label_column=None, name=data.name, digest=data.digest())


def game(
    source: Source,
    who: str,
    seed: int = 0,
    protocol: Protocol | None = None,
    options: Options | None = None,
) -> Game:
    """A short game."""
    return Game(
        source=source,
        protocol=protocol or Protocol(batch=6, rounds=4),
        competitor=Competitor.parse(who),
        seed=seed,
        options=options or Options(),
    )
