"""Simulations from a program's point of view."""

from pathlib import Path

import numpy as np
import pytest

import alservice
from alservice.client.errors import FailedPrecondition, InvalidArgument

PATIENCE_S = 120


def test_what_is_labelled_is_replayed(client: alservice.Client, tmp_path: Path) -> None:
    project = client.create_project("replayed", ["0", "1"])
    rng = np.random.default_rng(0)
    truth = np.arange(80) % 2
    vectors = rng.normal(size=(80, 3)) + 3 * truth[:, None]
    project.add_items(vectors, labels=[str(each) for each in truth])
    done = project.simulate("margin", seeds=1, batch_size=5, budget=15).wait(PATIENCE_S)
    rows = {row["competitor"]: row for row in done.report["rows"]}
    assert set(rows) == {"random", "margin"} and 0 <= rows["margin"]["area"] <= 1
    assert repr(done).startswith("Simulation(") and len(repr(done)) < 100
    assert done.save(tmp_path / "report.html").read_text().startswith("<!")


def test_what_cannot_be_replayed_is_refused(client: alservice.Client) -> None:
    project = client.create_project("not-replayed", ["0", "1"])
    project.add_items(np.eye(3))
    with pytest.raises(FailedPrecondition):
        project.simulate(["margin"])
    with pytest.raises(InvalidArgument, match="margn"):
        project.simulate(["margn"])
