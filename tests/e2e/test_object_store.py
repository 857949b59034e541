"""The service on an object store: a server that is lost with its cache loses nothing."""

import shutil
from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import pool_service_pb2 as pool_pb
from tests.e2e.api import Api, failure, label, random_vectors
from tests.e2e.wire import info_of
from tests.running_server import running_server
from tests.s3.proxy import s3_proxy
from tests.s3.server import S3Server

ITEMS = 3000  # of 256 numbers: 3 MB, which do not fit into the catalog


def test_everything_is_there_after_a_kill_and_without_the_cache(
    s3: S3Server, tmp_path: Path
) -> None:
    flags = ("--objects", s3.fresh(), "--cache-bytes", str(64 << 20))
    vectors = random_vectors(ITEMS, 256)
    with running_server(tmp_path / "data", *flags) as server:
        api = Api(server.channel)
        project = api.create("far", reserve_share=0.0)
        api.add(project, vectors)
        asked = [item.item_id for item in api.query(project, batch_size=20).batch.items]
        classes = ("cat", "dog")
        api.label(project, *(label(name, classes[n % 2]) for n, name in enumerate(asked)))
        assert finished(api, api.active.Train(al.TrainRequest(project=project)))
        ask = pool_pb.BuildIndexRequest(project=project)
        assert finished(api, api.pool.BuildIndex(ask))
        before = ranked(api, project)
        assert before.batch.pool_index
        server.kill()
    cached = list((tmp_path / "data" / "cache").rglob("*.safetensors"))
    assert len(cached) >= 2  # a segment and an index
    assert not (tmp_path / "data" / "segments").exists()
    shutil.rmtree(tmp_path / "data" / "cache")
    with running_server(tmp_path / "data", *flags) as server:
        api = Api(server.channel)
        stats = api.show(project).stats
        assert (stats.item_count, stats.settled_count) == (ITEMS, len(asked))
        after = ranked(api, project)
        assert [item.item_id for item in after.batch.items] == [
            item.item_id for item in before.batch.items
        ]
        assert after.batch.pool_index == before.batch.pool_index
        again = list((tmp_path / "data" / "cache").rglob("*.safetensors"))
        assert {path.name for path in again} <= {path.name for path in cached}
        assert server.terminate() == 0


def finished(api: Api, begun: operations_pb2.Operation) -> bool:
    """Whether an operation has succeeded, once it is done."""
    wait = operations_pb2.WaitOperationRequest(name=begun.name)
    done = api.operations.WaitOperation(wait, timeout=120)
    return done.done and not done.error.code


def ranked(api: Api, project: str) -> al.QueryResponse:
    """What the index and the model say, without leasing anything."""
    return api.query(project, batch_size=10, strategy="typiclust", dry_run=True, seed=7)


def test_while_the_store_is_away_calls_say_so_and_afterwards_they_work(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ("--objects", s3.fresh(), "--cache-bytes", str(64 << 20))
    vectors = random_vectors(ITEMS, 256)
    with running_server(tmp_path / "data", *flags) as server:
        api = Api(server.channel)
        project = api.create("far")
        api.add(project, vectors)
        assert server.terminate() == 0
    shutil.rmtree(tmp_path / "data" / "cache")
    with s3_proxy(s3.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        with running_server(tmp_path / "data", *flags) as server:
            api = Api(server.channel)
            proxy.faults.busy = 10_000
            error = failure(lambda: api.query(project))
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert info_of(error).reason == "ERROR_REASON_OBJECT_STORE_UNAVAILABLE"
            assert api.show(project).stats.item_count == ITEMS  # what needs no segments goes on
            proxy.faults.busy = 0
            assert len(api.query(project, batch_size=5).batch.items) == 5
            assert server.terminate() == 0
