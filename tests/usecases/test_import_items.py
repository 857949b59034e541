"""An import is queued once, for a file that was looked at."""

from pathlib import Path

import numpy as np
import pytest

from alservice.domain import errors
from alservice.domain.operation import OperationKind, OperationState
from alservice.domain.source import SourceColumns
from alservice.storage.imports import ImportRoots
from alservice.usecases.import_items import columns_of
from tests.usecases.imports import Imports, save
from tests.usecases.items import Pool


@pytest.fixture
def imports(items_pool: Pool, tmp_path: Path) -> Imports:
    return Imports.beside(items_pool, tmp_path)


def test_a_file_is_looked_at_and_its_import_queued(imports: Imports, tmp_path: Path) -> None:
    uri = save(tmp_path / "a.npz", ["a", "b", "c"])
    begun = imports.ask(uri, vector=("X",), id_prefix="x-", group="-")
    assert (begun.kind, begun.state) == (OperationKind.IMPORT, OperationState.QUEUED)
    size = (tmp_path / "a.npz").stat().st_size
    assert (begun.request["item_count"], begun.request["size_bytes"]) == (3, size)
    assert columns_of(begun.request) == SourceColumns(vector=("X",), id_prefix="x-", group="-")
    assert imports.woken == [uri]
    assert imports.pool.items() == []


def test_the_same_request_is_the_same_import_even_after_the_file_is_gone(
    imports: Imports, tmp_path: Path
) -> None:
    uri = save(tmp_path / "a.npz", ["a", "b"])
    begun = imports.ask(uri, "once")
    (tmp_path / "a.npz").unlink()
    assert imports.ask(uri, "once") == begun
    with pytest.raises(errors.SourceNotFound, match=r"there is no file .*a\.npz"):
        imports.ask(uri)


def test_without_roots_nothing_is_imported_and_the_flag_is_named(
    items_pool: Pool, tmp_path: Path
) -> None:
    closed = Imports(items_pool, ImportRoots(), [])
    with pytest.raises(errors.ImportUnavailable, match="--import-roots"):
        closed.ask(save(tmp_path / "a.npz", ["a"]))


def test_a_file_without_vectors_is_refused_with_what_it_holds(
    imports: Imports, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", points=np.ones((2, 3), np.float32), ids=np.array(["a", "b"]))
    with pytest.raises(errors.InvalidField, match="holds points, ids") as caught:
        imports.ask(str(tmp_path / "a.npz"))
    assert caught.value.metadata["field"] == "columns.vector"
    assert imports.ask(str(tmp_path / "a.npz"), vector=("points",)).request["item_count"] == 2


def test_a_project_that_is_not_there_is_said_before_the_file_is_looked_for(
    items_pool: Pool, tmp_path: Path
) -> None:
    nowhere = Pool(items_pool.catalog, items_pool.store, "nobody")
    with pytest.raises(errors.ProjectNotFound):
        Imports.beside(nowhere, tmp_path).ask(str(tmp_path / "none.npz"))
