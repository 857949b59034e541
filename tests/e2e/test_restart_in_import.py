"""An import that is cut off by `kill -9` goes on after its last sealed part, and ends once."""

from pathlib import Path
from typing import Final

import grpc
import numpy as np
from google.longrunning import operations_pb2

from alservice.api.v1 import pool_service_pb2 as pool
from tests.e2e.api import Api, until
from tests.running_server import running_server

ROWS: Final = 4_000
TEXT: Final = b"x" * 60_000  # so that a part is sealed after some 550 items
PATIENCE_S: Final = 240


def test_an_import_that_was_cut_off_goes_on_where_it_was_and_ends_once(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    uri = str(tmp_path / "inbox" / "pool.npz")
    vectors = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
    np.savez_compressed(uri, X=vectors, text=np.full(ROWS, TEXT))
    roots = ("--import-roots", str(tmp_path / "inbox"))
    with running_server(tmp_path / "data", *roots) as server:
        api = Api(server.channel)
        project = api.create("cut", classes=("a", "b"))
        ask = pool.ImportItemsRequest(project=project, uri=uri, request_id="once")
        name = api.pool.ImportItems(ask).name
        kept = until(lambda: received(api, project, name))
        assert 0 < kept < ROWS and not look(api, name).done
        server.kill()
    with running_server(tmp_path / "data", *roots) as server:
        api = Api(server.channel)
        assert received(api, project, name) >= kept
        assert api.pool.ImportItems(ask).name == name
        wait = operations_pb2.WaitOperationRequest(name=name)
        done = api.operations.WaitOperation(wait, timeout=PATIENCE_S)
        metadata, answer = pool.ImportItemsMetadata(), pool.ImportItemsResponse()
        assert done.metadata.Unpack(metadata) and done.response.Unpack(answer)
        assert (metadata.attempt, metadata.read_item_count) == (2, ROWS)
        assert (answer.result.added_count, answer.result.revision) == (ROWS, 1)
        assert api.show(project).stats.item_count == ROWS
        for row in (0, kept - 1, kept, ROWS - 1):
            asked = pool.GetItemRequest(project=project, item_id=str(row), include_vector=True)
            item = api.pool.GetItem(asked).item
            assert np.array_equal(np.array(item.vector, np.float32), vectors[row])
            assert item.content.parts[0].text == TEXT.decode()
        again = api.pool.ImportItems(ask)
        assert (again.name, again.done) == (name, True)


def look(api: Api, name: str) -> operations_pb2.Operation:
    return api.operations.GetOperation(operations_pb2.GetOperationRequest(name=name))


def received(api: Api, project: str, name: str) -> int:
    """Items that are safe."""
    upload = pool.GetUploadRequest(project=project, upload_id=name.rpartition("/")[2])
    try:
        return api.pool.GetUpload(upload).received_item_count
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:  # nobody has begun
            return 0
        raise
