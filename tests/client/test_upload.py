import numpy as np
import pytest

import alservice
from alservice.client.errors import AlreadyExists, InvalidArgument, NotFound
from tests.client.cutting_proxy import Cut, cutting_proxy
from tests.running_server import RunningServer

MIB = 1 << 20


def test_an_upload_over_breaking_connections_is_resumed_and_nothing_doubled(
    server: RunningServer, client: alservice.Client
) -> None:
    vectors = np.random.default_rng(0).normal(size=(30_000, 64)).astype(np.float32)
    draw = np.random.default_rng(1)
    cuts = [Cut(up_bytes=int(size)) for size in draw.integers(MIB // 4, 3 * MIB, 5)]
    ids = [f"item-{row}" for row in range(len(vectors))]
    client.create_project("broken-stream", ["a", "b"])
    with (
        cutting_proxy(server.address, cuts) as proxy,
        alservice.Client(proxy.address) as shaky,
    ):
        result = shaky.project("broken-stream").add_items(vectors, ids)
        assert proxy.cut_count == len(cuts)
    project = client.project("broken-stream")
    assert result.added_count == len(vectors)
    stats = project.info().stats
    assert stats is not None and stats.item_count == len(vectors)
    for row in (0, 1, 12_345, 29_999):
        kept = project.item(ids[row], vector=True).vector
        assert kept is not None and np.array_equal(kept, vectors[row])


def test_an_upload_whose_answer_was_lost_answers_again(
    server: RunningServer, client: alservice.Client
) -> None:
    client.create_project("lost-answer", ["a"])
    with (
        # The settings and window updates of a connection pass, the answer is cut.
        cutting_proxy(server.address, [Cut(down_bytes=n) for n in (120, 150, 180)]) as proxy,
        alservice.Client(proxy.address) as shaky,
    ):
        project = shaky.project("lost-answer")
        assert project.add_items(np.eye(3), ["x", "y", "z"]).added_count == 3
        assert proxy.cut_count > 0
    assert sorted(item.item_id for item in client.project("lost-answer").items()) == [
        "x",
        "y",
        "z",
    ]


def test_a_mistake_in_the_middle_is_told_and_nothing_becomes_visible(
    client: alservice.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    project = client.create_project("mistake", ["a"])
    ids: list[object] = [str(row) for row in range(40_000)]
    ids[35_000] = 1.5
    with pytest.raises(TypeError, match=r"an id must be text or a whole number, not 1\.5"):
        project.add_items(np.zeros((40_000, 8), np.float32), ids)
    assert list(project.items()) == []
    assert "Traceback" not in capfd.readouterr().err


def test_refusals_of_an_upload_are_told_in_the_words_of_the_server(
    client: alservice.Client,
) -> None:
    project = client.create_project("refused", ["a", "b"])
    project.add_items(np.eye(2), ["x", "y"])
    with pytest.raises(AlreadyExists, match="x"):
        project.add_items(np.eye(2), ["w", "x"])
    with pytest.raises(InvalidArgument, match="2"):
        project.add_items(np.eye(3))
    with pytest.raises(InvalidArgument, match="w") as failed:
        project.add_items([[1.0, np.nan]], ["w"])
    assert failed.value.reason == "ERROR_REASON_NON_FINITE_VECTOR"
    with pytest.raises(InvalidArgument, match="good"):
        project.add_items([[1.0, 2.0]], ["w"], labels=["good"])
    with pytest.raises(NotFound):
        client._project("no-such-project").add_items(np.eye(2))


def test_conflicts_can_be_skipped_or_replaced(client: alservice.Client) -> None:
    project = client.create_project("conflicts", ["a"])
    project.add_items(np.eye(2), ["x", "y"])
    skipped = project.add_items(np.zeros((2, 2)), ["y", "z"], on_conflict="skip")
    assert (skipped.added_count, skipped.skipped_count) == (1, 1)
    replaced = project.add_items(np.ones((1, 2)), ["x"], on_conflict="replace")
    assert (replaced.added_count, replaced.replaced_count) == (1, 1)
    kept = {item.item_id: item.vector for item in project.items(vectors=True)}
    assert {key: None if v is None else v.tolist() for key, v in kept.items()} == {
        "x": [1, 1],
        "y": [0, 1],
        "z": [0, 0],
    }


def test_a_mapped_file_is_uploaded(client: alservice.Client, tmp_path: object) -> None:
    path = f"{tmp_path}/vectors.npy"
    np.save(path, np.random.default_rng(2).normal(size=(500, 16)).astype(np.float16))
    mapped = np.load(path, mmap_mode="r")
    project = client.create_project("mapped", ["a"])
    assert project.add_items(mapped).added_count == 500
    assert project.info().dtype == "f16"
    kept = project.item("123", vector=True).vector
    assert kept is not None and np.array_equal(kept, mapped[123].astype(np.float32))


def test_wherever_a_stream_breaks_the_items_arrive(
    server: RunningServer, client: alservice.Client
) -> None:
    project = client.create_project("everywhere", ["a"])
    vectors = np.arange(80, dtype=np.float32).reshape(20, 4)
    for round_, up_bytes in enumerate(range(150, 2150, 80)):
        ids = [f"{round_}-{row}" for row in range(20)]
        with (
            cutting_proxy(server.address, [Cut(up_bytes=up_bytes)] * 2) as proxy,
            alservice.Client(proxy.address) as shaky,
        ):
            result = shaky._project("everywhere").add_items(vectors, ids)
        assert (result.added_count, up_bytes) == (20, up_bytes)
    stats = project.info().stats
    assert stats is not None and stats.item_count == 20 * 25
