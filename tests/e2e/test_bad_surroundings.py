"""When the disk, a file or the time runs out, the server says so and goes on."""

import json
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc
import pytest

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import pool_service_pb2 as pool_pb
from alservice.api.v1 import project_service_pb2 as project_pb
from tests.e2e.api import Api, columns, failure, kept, label, random_vectors, until, upload
from tests.e2e.wire import info_of
from tests.running_server import RunningServer, command, environment, running_server

CODE = grpc.StatusCode
SOME = random_vectors(3000, 256)  # 3 MB: more than fits into the catalog
NO_LIMIT: Final = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def limit_files(server: RunningServer, size_bytes: int) -> None:
    """No file of the server grows beyond this from now on: its disk is full, for it alone."""
    soft = (size_bytes, resource.RLIM_INFINITY)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, soft)


def reason(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    error = failure(call)
    return error.code(), info_of(error).reason.removeprefix("ERROR_REASON_")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit exists on Linux only")
def test_a_full_disk_refuses_uploads_and_works_again_once_there_is_room(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        api = Api(server.channel)
        project = api.create("full", reserve_share=0.0)
        api.pool.BatchAddItems(
            pool_pb.BatchAddItemsRequest(project=project, columns=columns(SOME[:50], start=9000))
        )
        limit_files(server, 1_000_000)
        header = pool_pb.AddItemsHeader(project=project, upload_id="u")
        messages = upload(header, SOME)
        error = failure(lambda: api.pool.AddItems(iter(messages)))
        assert error.code() is CODE.RESOURCE_EXHAUSTED
        assert info_of(error).reason == "ERROR_REASON_DISK_FULL"
        assert "free space" in str(error.details())
        assert api.show(project).stats.item_count == 50
        assert len(api.query(project, batch_size=3).batch.items) == 3
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, NO_LIMIT)
        received = kept(api, pool_pb.GetUploadRequest(project=project, upload_id="u"))
        api.pool.AddItems(iter(upload(header, SOME, start=received)))
        assert api.show(project).stats.item_count == 50 + len(SOME)
        assert server.terminate() == 0


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit exists on Linux only")
def test_a_full_disk_of_the_catalog_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Labels go into the catalog only; its log cannot grow any more."""
    with running_server(tmp_path / "data") as server:
        api = Api(server.channel)
        project = api.create("full")
        api.add(project, SOME[:500])
        log = tmp_path / "data" / "catalog.sqlite3-wal"
        limit_files(server, log.stat().st_size + 100_000)
        recorded, errors = label_until_refused(api, project)
        assert errors == {(CODE.RESOURCE_EXHAUSTED, "DISK_FULL")}
        assert logged(api, project) == recorded
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, NO_LIMIT)
        api.label(project, label("i-499"))
        assert server.terminate() == 0
    with running_server(tmp_path / "data") as server:
        assert logged(Api(server.channel), project) == [*recorded, "i-499"]


def label_until_refused(
    api: Api, project: str
) -> tuple[list[str], set[tuple[grpc.StatusCode, str]]]:
    """The items whose labels were acknowledged, and how the first refusal looked."""
    recorded: list[str] = []
    for number in range(499):
        try:
            api.label(project, label(f"i-{number}", annotator_id="a" * 100))
        except grpc.RpcError as error:
            why = info_of(error).reason.removeprefix("ERROR_REASON_")
            return recorded, {(error.code(), why)}
        recorded.append(f"i-{number}")
    return recorded, set()


def logged(api: Api, project: str) -> list[str]:
    labels = api.active.ListLabels(al.ListLabelsRequest(project=project)).labels
    return [row.item_id for row in labels]


def test_a_corrupt_segment_is_named_and_other_projects_work(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        api = Api(server.channel)
        broken, sound = api.create("broken"), api.create("sound")
        api.add(broken, SOME)
        files = list((tmp_path / "data" / "segments").rglob("*.safetensors"))
        api.add(sound, SOME)
        assert server.terminate() == 0
    (file,) = files
    flip_a_byte(file)
    with running_server(tmp_path / "data") as server:
        api = Api(server.channel)
        error = failure(lambda: api.query(broken))
        assert error.code() is CODE.DATA_LOSS
        info = info_of(error)
        assert info.reason == "ERROR_REASON_SEGMENT_CORRUPT"
        assert info.metadata["project"] == "broken"
        assert info.metadata["segment"] == file.name.split(".")[0]
        assert "backup" in str(error.details())
        assert len(api.query(sound, batch_size=3).batch.items) == 3
        api.projects.DeleteProject(project_pb.DeleteProjectRequest(name=broken))
        api.add(api.create("broken"), SOME)
        assert len(api.query(broken, batch_size=3).batch.items) == 3


def flip_a_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_a_second_server_on_a_folder_is_refused_with_the_pid_of_the_first(
    server: RunningServer,
) -> None:
    second = subprocess.run(
        [*command(server.folder)[:-6], "--listen", "127.0.0.1:0", "--http", "off"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode not in (0, -signal.SIGKILL)
    assert f"process {server.process.pid}" in second.stderr
    assert str(server.folder) in second.stderr.replace("\n", "")
    assert "Traceback" not in second.stderr
    assert Api(server.channel).show(Api(server.channel).create("still-here")).name


def test_a_deadline_in_the_middle_of_a_scan_ends_it_and_the_server_goes_on(
    server: RunningServer,
) -> None:
    api = Api(server.channel)
    project = api.create("large")
    api.add(project, random_vectors(40_000, 256))
    # Each of the picks is a pass over 40 MB: minutes, if nobody stopped it.
    ask = al.QueryRequest(project=project, batch_size=10_000, strategy="k_center")
    before = ends(server, "Query", "DEADLINE_EXCEEDED")
    assert failure(lambda: api.active.Query(ask, timeout=0.5)).code() is CODE.DEADLINE_EXCEEDED
    assert until(lambda: ends(server, "Query", "DEADLINE_EXCEEDED") - before) == 1
    assert len(api.query(project, batch_size=3, strategy="random").batch.items) == 3
    assert api.show(project).stats.leased_count == 3


def ends(server: RunningServer, method: str, code: str) -> int:
    """How many calls of a method ended so, by the server's own log."""
    log = server.folder.parent / f"{server.folder.name}.log"
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")
    ]
    return sum(
        line.get("code") == code and str(line.get("method")).endswith(f"/{method}")
        for line in lines
    )
