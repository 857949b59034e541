"""Indexes from a program's point of view."""

import numpy as np
import pytest

import alservice
from alservice.client import Indexing, PoolIndex
from alservice.client.errors import FailedPrecondition, NotFound

PATIENCE_S = 60


def test_an_index_is_built_and_told_of(client: alservice.Client) -> None:
    project = client.create_project("indexed", ["a", "b"])
    vectors = np.random.default_rng(0).normal(size=(50, 3))
    project.add_items(np.vstack([vectors, vectors[:4]]))
    index = project.build_index(neighbours=4)
    assert isinstance(index, PoolIndex)
    assert (index.item_count, index.neighbour_count, index.recall) == (54, 4, 1.0)
    assert index.near_duplicate_count == 4 and index.build_s >= 0
    assert index.create_time is not None and index.index_id in index.name
    assert project.build_index(neighbours=4) == index
    assert project.build_index(neighbours=4, force=True).name != index.name


def test_an_index_can_be_followed(client: alservice.Client) -> None:
    project = client.create_project("followed-index", ["a", "b"])
    project.add_items(np.random.default_rng(0).normal(size=(20, 3)))
    indexing = project.build_index(wait=False)
    assert isinstance(indexing, Indexing) and indexing.name in repr(indexing)
    index = indexing.wait(PATIENCE_S)
    assert indexing.done and indexing.progress == 1.0 and indexing.attempt == 1
    assert index.neighbour_count == 16
    indexing.cancel()  # too late is no error


def test_there_must_be_something_to_index(client: alservice.Client) -> None:
    project = client.create_project("nothing-to-index", ["a", "b"])
    with pytest.raises(FailedPrecondition, match="no items"):
        project.build_index()
    with pytest.raises(NotFound):
        client.project("no-such-project").build_index()
