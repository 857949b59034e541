"""What tests of places share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alservice.storage.imports import ImportRoots


@pytest.fixture
def roots(tmp_path: Path) -> Iterator[ImportRoots]:
    made = ImportRoots.of([str(tmp_path)])
    yield made
    made.close()
