"""Two servers on one database and one data folder are one service."""

from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.bootstrap import Adapters
from alservice.config import Settings
from alservice.domain.segment import SegmentState
from alservice.workers.replay_process import ReplayProcess
from tests.contract.catalog_rows import P, a_segment, an_operation
from tests.e2e.api import PATIENCE_S, Api, failure, label, random_vectors
from tests.e2e.wire import info_of
from tests.postgres.server import PostgresServer
from tests.running_server import running_server


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two names of one data folder: what belongs to a process lies beside its own."""
    (tmp_path / "shared").mkdir()
    names = [tmp_path / "one", tmp_path / "two"]
    for name in names:
        name.symlink_to("shared", target_is_directory=True)
    return names


def train(api: Api, elsewhere: Api, project: str) -> None:
    """Train, and wait for it at the other server."""
    name = api.active.Train(al.TrainRequest(project=project), timeout=PATIENCE_S).name
    wait = operations_pb2.WaitOperationRequest(name=name)
    assert elsewhere.operations.WaitOperation(wait, timeout=PATIENCE_S).done


def test_two_servers_take_turns_with_one_project(
    server: PostgresServer, empty: str, folders: list[Path]
) -> None:
    flags = ("--catalog", server.dsn(empty))
    with running_server(folders[0], *flags) as one, running_server(folders[1], *flags) as two:
        first, second = Api(one.channel), Api(two.channel)
        project = first.create("shared", reserve_share=0.0)
        second.add(project, random_vectors(3000, 256))  # too much for the catalog: a file
        assert first.show(project).stats.item_count == 3000
        batches = [api.query(project, batch_size=20).batch for api in (first, second) * 2]
        items = [item.item_id for batch in batches for item in batch.items]
        assert len(items) == len(set(items)) == 80
        answers = [label(item, "cat" if n % 3 else "dog") for n, item in enumerate(items)]
        assert first.label(project, *answers[::2]) == ["RECORDED"] * 40
        assert second.label(project, *answers[1::2]) == ["RECORDED"] * 40
        assert second.show(project).stats.settled_count == 80
        train(first, second, project)
        assert second.query(project, batch_size=5).batch.model == second.show(project).active_model
        one.kill()
        assert second.label(project, answers[0]) == ["DUPLICATE"]
        assert failure(lambda: first.show(project)).code() is grpc.StatusCode.UNAVAILABLE
        assert two.terminate() == 0


def test_a_server_outlives_its_database(own_server: PostgresServer, folders: list[Path]) -> None:
    with running_server(folders[0], "--catalog", own_server.dsn("postgres")) as replica:
        api = Api(replica.channel)
        project = api.create("lasting")
        own_server.stop()
        error = failure(lambda: api.show(project))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert info_of(error).reason == "ERROR_REASON_CATALOG_UNAVAILABLE"
        own_server.start()
        assert api.show(project).name == project
        assert replica.terminate() == 0


def scratch_of(adapters: Adapters) -> Path:
    assert isinstance(adapters.replaying, ReplayProcess)
    return adapters.replaying.scratch


def test_a_replica_that_starts_takes_nothing_from_those_that_run(dsn: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, catalog=dsn)
    first = Adapters.open(settings, lambda: None)
    first.catalog.transact(lambda tx: tx.operations.insert(an_operation("o-1")))
    claim = lambda tx: tx.operations.claim("first", tx.now_ms(), 60_000)  # noqa: E731
    mine = first.catalog.transact(claim)
    writing = a_segment("s-1", state=SegmentState.WRITING, expire_time_ms=2**60)
    first.catalog.transact(lambda tx: tx.segments.reserve(writing))
    (scratch_of(first) / "simulate-1").mkdir(parents=True)
    second = Adapters.open(settings, lambda: None)
    try:
        assert second.catalog.transact(claim) is None
        assert second.catalog.read(lambda tx: tx.operations.get(P, "o-1")) == mine
        assert second.catalog.transact(lambda tx: tx.segments.expire(tx.now_ms())) == []
        assert (scratch_of(first) / "simulate-1").is_dir()
    finally:
        first.close()
        second.close()
