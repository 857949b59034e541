import math
import random

import grpc
import numpy as np
import pytest
from google.longrunning import operations_pb2

import alservice
from alservice.client import Client, Training
from alservice.client.connection import FIRST_CONTACT_S, Connection
from alservice.client.errors import DeadlineExceeded, Unavailable
from tests.client.cutting_proxy import Cut, cutting_proxy
from tests.running_server import RunningServer


def random_cuts(seed: int, count: int) -> list[Cut]:
    """Some break before the request has arrived, some after it took effect."""
    draw = random.Random(seed)
    return [
        Cut(up_bytes=draw.randrange(200, 4000))
        if draw.random() < 0.5
        else Cut(down_bytes=draw.randrange(60, 1500))
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_calls_over_breaking_connections_take_effect_once(
    server: RunningServer, client: alservice.Client, seed: int
) -> None:
    vectors = np.random.default_rng(seed).normal(size=(60, 4))
    classes = ["a", "b"]
    with (
        cutting_proxy(server.address, random_cuts(seed, 12)) as proxy,
        alservice.Client(proxy.address) as shaky,
    ):
        project = shaky.create_project(f"shaky-{seed}", classes)
        assert project.add_items(vectors).added_count == 60
        batches = [project.query(5) for _ in range(4)]
        for batch in batches:
            answers = [classes[int(item_id) % 2] for item_id in batch.ids]
            assert project.submit_labels(batch.ids, answers) == ["recorded"] * 5
        for _ in range(2):
            project.train(force=True)
        assert proxy.cut_count > 0
    seen = client.project(f"shaky-{seed}")
    handed_out = [item_id for batch in batches for item_id in batch.ids]
    assert len(set(handed_out)) == 20
    assert sorted(batch.name for batch in seen.batches()) == sorted(b.name for b in batches)
    assert sorted(label.item_id for label in seen.labels()) == sorted(handed_out)
    assert len(list(seen.models())) == 2


def test_without_a_server_the_error_names_the_address_and_a_way_out() -> None:
    with (
        alservice.Client("127.0.0.1:1", timeout=2) as client,
        pytest.raises(
            Unavailable, match=r"127\.0\.0\.1:1.*alservice serve.*load balancer"
        ) as failed,
    ):
        client.project("p")
    assert failed.value.__context__ is None


def test_a_server_that_was_never_reached_is_given_up_early_and_a_known_one_is_not() -> None:
    connection = Connection("nowhere:1", shown=False)
    gone = Unavailable("refused", code=grpc.StatusCode.UNAVAILABLE)
    assert connection._within_s(gone, 0) == FIRST_CONTACT_S
    busy = Unavailable("busy", code=grpc.StatusCode.UNAVAILABLE, reason="ERROR_REASON_OVERLOADED")
    assert connection._within_s(busy, 0) == math.inf
    assert connection._within_s(gone, 0) == math.inf
    connection.close()


def test_a_person_is_told_once_what_takes_so_long(capsys: pytest.CaptureFixture[str]) -> None:
    connection = Connection("nowhere:1", shown=True)
    gone = Unavailable("refused", code=grpc.StatusCode.UNAVAILABLE)
    connection._within_s(gone, 1)
    assert capsys.readouterr().err == ""
    connection._within_s(gone, 3)
    connection._within_s(gone, 4)
    assert capsys.readouterr().err == "waiting for the server at nowhere:1…\n"
    connection.close()


def test_training_that_loses_its_server_says_how_to_join_it() -> None:
    with Client("127.0.0.1:1", timeout=0.3, progress=False) as client:
        operation = operations_pb2.Operation(name="operations/t")
        training = Training(client._connection, operation, shown=False)
        lost = (Unavailable, DeadlineExceeded)
        with pytest.raises(lost, match=r"is kept.*project\.train\(\) joins it"):
            training.wait()


def test_a_server_that_never_answers_costs_the_timeout_and_no_more() -> None:
    with (
        cutting_proxy("127.0.0.1:1", []) as silent,
        alservice.Client(silent.address, timeout=0.3) as client,
        pytest.raises((Unavailable, DeadlineExceeded)),
    ):
        client.project("p")


def test_a_token_is_not_sent_in_clear_to_another_machine() -> None:
    with pytest.raises(ValueError, match="tls=True"):
        alservice.Client("example.org:50051", token="secret")
    for local in ("localhost:1", "[::1]:1", "unix:/tmp/x", "127.0.0.1:1"):
        alservice.Client(local, token="secret").close()
