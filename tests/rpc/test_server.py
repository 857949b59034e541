"""The real server in a process of its own, as a user starts it."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as reflection

from alservice.api.v1 import (
    pool_service_pb2,
    pool_service_pb2_grpc,
    project_service_pb2,
    project_service_pb2_grpc,
)
from tests.running_server import RunningServer, command, environment, running_server

SERVICES = {
    "alservice.api.v1.ActiveLearningService",
    "alservice.api.v1.ModelService",
    "alservice.api.v1.PoolService",
    "alservice.api.v1.ProjectService",
    "alservice.api.v1.StrategyService",
    "google.longrunning.Operations",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}
VERSIONS = ["v1", "v1alpha"]
PATIENCE_S = 120


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "alservice", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def reflect(
    channel: grpc.Channel, version: str, request: reflection.ServerReflectionRequest
) -> reflection.ServerReflectionResponse:
    """What the server says about itself."""
    method = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection.ServerReflectionRequest.SerializeToString,
        reflection.ServerReflectionResponse.FromString,
    )
    (answer,) = method(iter([request]), timeout=PATIENCE_S)
    assert isinstance(answer, reflection.ServerReflectionResponse)
    return answer


@pytest.mark.parametrize("version", VERSIONS)
def test_reflection_lists_every_service_under_both_of_its_names(
    server: RunningServer, version: str
) -> None:
    answer = reflect(server.channel, version, reflection.ServerReflectionRequest(list_services=""))
    assert {service.name for service in answer.list_services_response.service} >= SERVICES


@pytest.mark.parametrize("version", VERSIONS)
def test_reflection_describes_every_service_it_lists(server: RunningServer, version: str) -> None:
    for name in sorted(SERVICES):
        request = reflection.ServerReflectionRequest(file_containing_symbol=name)
        answer = reflect(server.channel, version, request)
        files = [
            descriptor_pb2.FileDescriptorProto.FromString(file)
            for file in answer.file_descriptor_response.file_descriptor_proto
        ]
        assert name in {f"{file.package}.{s.name}" for file in files for s in file.service}


def test_reflection_finds_methods_by_name_and_only_those_there_are(server: RunningServer) -> None:
    service = "alservice.api.v1.ActiveLearningService"
    for name, found in ((f"{service}.Query", True), (f"{service}.Quarry", False)):
        request = reflection.ServerReflectionRequest(file_containing_symbol=name)
        answer = reflect(server.channel, "v1", request)
        assert answer.HasField("file_descriptor_response") is found


def test_every_service_is_healthy(server: RunningServer) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    infrastructure = {name for name in SERVICES if name.startswith("grpc.")}
    for name in ("", *sorted(SERVICES - infrastructure)):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=PATIENCE_S)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=PATIENCE_S)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_the_http_port_shows_health_metrics_and_a_page(server: RunningServer) -> None:
    project_service_pb2_grpc.ProjectServiceStub(server.channel).ListProjects(
        project_service_pb2.ListProjectsRequest(), timeout=PATIENCE_S
    )
    with httpx.Client(base_url=f"http://{server.http}", timeout=PATIENCE_S) as client:
        assert client.get("/healthz").text == "serving\n"
        assert server.address in client.get("/").text
        metrics = client.get("/metrics").text
    handled = 'rpc_server_handled_total{code="OK",method="alservice.api.v1.ProjectService/ListP'
    for name in (
        handled,
        "rpc_server_duration_seconds_bucket",
        "rpc_server_in_flight",
        'lane_waiting{lane="score"}',
        'lane_running{lane="write"}',
        "process_resident_memory_bytes",
        "build_info",
    ):
        assert f"alservice_{name}" in metrics


def test_healthcheck_says_whether_a_server_is_there(server: RunningServer) -> None:
    found = run("healthcheck", "--address", server.address)
    assert (found.returncode, found.stdout) == (0, f"{server.address} is SERVING\n")
    absent = run("healthcheck", "--address", "127.0.0.1:1", "--timeout", "5")
    assert absent.returncode == 1
    assert one_line(absent.stderr).startswith("alservice: 127.0.0.1:1 does not answer")


def one_line(text: str) -> str:
    """The only line that is not from the log."""
    (line,) = [line for line in text.splitlines() if not line.startswith("{")]
    return line


def refused(*flags: str, folder: Path) -> str:
    """The one line with which a server refuses to start."""
    found = subprocess.run(
        command(folder, *flags),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert found.returncode == 2
    assert found.stdout == ""
    return one_line(found.stderr)


def test_a_second_server_on_a_folder_is_refused_with_the_pid_of_the_first(
    server: RunningServer,
) -> None:
    assert str(server.process.pid) in refused(folder=server.folder)


@pytest.mark.parametrize("flag", ["--listen", "--http"])
def test_a_port_that_is_taken_is_named(server: RunningServer, tmp_path: Path, flag: str) -> None:
    address = server.address if flag == "--listen" else server.http
    assert f"cannot listen on {address}" in refused(flag, address, folder=tmp_path / "data")


def test_what_cannot_work_is_said_before_anything_is_opened(tmp_path: Path) -> None:
    line = refused("--listen", "0.0.0.0:0", "--threads", "0", folder=tmp_path / "data")
    assert "--tls-cert" in line and "--insecure" in line and "--threads" in line
    assert not (tmp_path / "data").exists()
    line = refused("--ready-file", str(tmp_path / "no" / "ready"), folder=tmp_path / "data")
    assert "--ready-file" in line and f"make {tmp_path / 'no'}" in line
    assert not (tmp_path / "data").exists()
    line = refused("--tls-cert", "no.pem", "--tls-key", "no.pem", folder=tmp_path / "data")
    assert "cannot read no.pem" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    with running_server(tmp_path / "data") as running:
        ready = json.loads((tmp_path / "data.ready").read_text())
        assert ready == {
            "pid": running.process.pid,
            "grpc": running.address,
            "http": running.http,
        }
        running.process.send_signal(number)
        assert running.process.wait(PATIENCE_S) == 0
    log = (tmp_path / "data.log").read_text()
    assert (
        f"alservice: serving gRPC on {running.address}, HTTP on {running.http}, "
        f"data in {running.folder}"
    ) in log.splitlines()
    assert '"clean": true' in log


@contextlib.contextmanager
def draining_server_with_a_stream(
    folder: Path, grace_s: int
) -> Iterator[tuple[RunningServer, Any]]:
    """A server that got SIGTERM while somebody holds a stream open and sends nothing."""
    ended = threading.Event()
    with running_server(folder, "--grace", str(grace_s)) as running:
        stub = pool_service_pb2_grpc.PoolServiceStub(running.channel)
        upload = stub.AddItems.future(nothing_until(ended))
        with httpx.Client(base_url=f"http://{running.http}", timeout=PATIENCE_S) as client:
            gauge = 'in_flight{method="alservice.api.v1.PoolService/AddItems"} 1.0'
            until(lambda: gauge in client.get("/metrics").text)
            assert client.get("/healthz").status_code == 200
            running.process.send_signal(signal.SIGTERM)
            if grace_s:
                until(lambda: client.get("/healthz").status_code == 503)
        try:
            yield running, upload
        finally:
            ended.set()


def test_an_idle_stream_does_not_keep_the_server_longer_than_the_grace(tmp_path: Path) -> None:
    with draining_server_with_a_stream(tmp_path / "data", 0) as (running, upload):
        assert running.process.wait(PATIENCE_S) == 0
        assert upload.code() is grpc.StatusCode.UNAVAILABLE
        assert "shutting down" in upload.details()


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with draining_server_with_a_stream(tmp_path / "data", 3600) as (running, upload):
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE_S) == 128 + signal.SIGTERM
        assert upload.code() is grpc.StatusCode.UNAVAILABLE


def nothing_until(word: threading.Event) -> Iterator[pool_service_pb2.AddItemsRequest]:
    """A stream of nothing that stays open until the word."""
    word.wait(PATIENCE_S)
    yield from ()


def until(holds: Callable[[], bool]) -> None:
    """Ask again and again."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
