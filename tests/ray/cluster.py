"""One Ray cluster for a whole run of pytest, started when a test first asks for it.

Imports nothing heavy: tests/conftest.py reads it before it decides how many threads libraries get.
"""

import importlib.util
import os
from collections.abc import Iterator
from typing import Any

import pytest

from bench.ray_cluster import Cluster, running_cluster


def need_ray() -> None:
    """Skip the test where Ray is not installed, which CI must not do."""
    if importlib.util.find_spec("ray") is None:
        text = "Ray is not installed: pip install 'alservice[ray]'"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    os.environ.setdefault("RAY_AUTH_MODE", "token")  # which Ray reads once, when it is imported


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster."""
    need_ray()
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def ray(cluster: Cluster) -> Iterator[Any]:
    """The module, as a client of the cluster."""
    from alservice.scoring.on_ray import connect  # noqa: PLC0415 loads numpy

    before = dict(os.environ)
    os.environ.update(cluster.environment)
    module = connect(cluster.address, 2)
    yield module
    module.shutdown()
    os.environ.clear()
    os.environ.update(before)
