"""A scratch service for the tests of replays."""

from collections.abc import Iterator

import pytest

from alservice.simulation.scratch import Scratch, scratch_service


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with scratch_service() as service:
        yield service
