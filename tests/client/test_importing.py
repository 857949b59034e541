"""Imports from a program's point of view."""

from pathlib import Path

import numpy as np
import pytest

import alservice
from alservice.client import Importing, ImportOptions, Project
from alservice.client.errors import InvalidArgument, NotFound
from alservice.client.importing import FIELDS, import_request

PATIENCE_S = 60


def test_a_file_is_imported_and_told_of(client: alservice.Client, inbox: Path) -> None:
    project = client.create_project("imported", ["a", "b"])
    vectors = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float16)
    labels = np.array(["a", "b", "", ""] * 10)
    np.savez(inbox / "pool.npz", embeddings=vectors, y=labels)
    result = project.import_items(str(inbox / "pool.npz"), id_prefix="row-")
    assert (result.added_count, result.label_count) == (40, 20)
    item = project.item("row-7", vector=True)
    assert item.vector is not None
    np.testing.assert_array_equal(item.vector, vectors[7].astype(np.float32))


@pytest.mark.parametrize("option", sorted(ImportOptions.__annotations__))
def test_every_option_is_explained(option: str) -> None:
    assert f"\n    {option}  " in (ImportOptions.__doc__ or "")
    assert f"`{option}`" in (Project.import_items.__doc__ or "")


def test_an_import_can_be_followed(client: alservice.Client, inbox: Path) -> None:
    project = client.create_project("followed-import", ["a", "b"])
    np.savez(inbox / "named.npz", points=np.ones((5, 2)), keys=np.arange(5), y=np.arange(5))
    uri = str(inbox / "named.npz")
    importing = project.import_items(uri, wait=False, vectors="points", ids="keys", labels="-")
    assert isinstance(importing, Importing) and importing.name in repr(importing)
    assert (importing.uri, importing.item_count) == (uri, 5)
    assert importing.wait(PATIENCE_S).added_count == 5
    assert (importing.read_item_count, importing.progress, importing.attempt) == (5, 1.0, 1)
    importing.cancel()  # too late is no error


def test_what_is_wrong_is_said_in_the_words_of_the_server(
    client: alservice.Client, inbox: Path
) -> None:
    project = client.create_project("wrongly-imported", ["a", "b"])
    with pytest.raises(InvalidArgument, match="not below a folder"):
        project.import_items("/etc/passwd")
    with pytest.raises(NotFound, match="there is no file"):
        project.import_items(str(inbox / "none.npy"))
    np.save(inbox / "few.npy", np.ones((1, 2)))
    with pytest.raises(InvalidArgument, match="it holds X"):
        project.import_items(str(inbox / "few.npy"), ids="name")


def test_each_option_has_its_place_and_others_are_refused() -> None:
    request = import_request("projects/p", "/x.npy", {"vectors": ["a", "b"], "costs": "price"})
    assert list(request.columns.vector) == ["a", "b"] and request.columns.cost == "price"
    fields = {field.name for field in request.columns.DESCRIPTOR.fields}
    assert {*FIELDS.values(), "vector"} == fields
    with pytest.raises(ValueError, match="no 'label'; columns are ids"):
        import_request("projects/p", "/x.npy", {"label": "y"})  # type: ignore[typeddict-unknown-key]
