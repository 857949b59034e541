"""Actors die, calls are cancelled, places are wrong: queries finish, or say what to do."""

import os
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alservice.core import CancelFlag, Cancelled, Engine, Ranked
from alservice.domain.startup import StartupError
from alservice.ports.scoring import SegmentBlock
from alservice.scoring.local import LocalScoring
from alservice.scoring.on_ray import Crew
from alservice.scoring.spread import SpreadScoring
from alservice.scoring.spread.merge import merge_ranked
from alservice.scoring.spread.spread import Spread
from alservice.scoring.spread.tasks import Draw
from alservice.storage.files import LocalFiles
from alservice.storage.files.local_place import LocalPlace
from alservice.storage.open_elsewhere import open_elsewhere
from alservice.storage.open_place import open_place
from bench.ray_cluster import Cluster, another_node
from tests.e2e.api import until
from tests.ray.crews import Guest, a_crew, some_blocks
from tests.ray.tasks import Dies, Works, open_bucket_elsewhere
from tests.s3.server import S3Server


@pytest.fixture
def crew(ray: Any, tmp_path: Path) -> Crew:
    """Two actors on an empty place."""
    LocalPlace(tmp_path)
    return a_crew(ray, tmp_path)


@pytest.mark.parametrize("times", [1, 2, 12])
def test_actors_that_are_killed_in_the_middle_change_no_answer(
    crew: Crew, tmp_path: Path, times: int
) -> None:
    blocks = some_blocks(tmp_path)
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    spread = Spread(crew, LocalScoring(Engine(1)))
    task = Dies(50, 9, os.getpid(), deaths, times)
    found = spread.run(task, blocks, (), CancelFlag())
    parts = [part for part in found if isinstance(part, Ranked)]
    merged = merge_ranked(parts, blocks, 50, 9)
    expected = Engine(1).random_top_k(blocks, 50, 9)
    np.testing.assert_array_equal(merged.block, expected.block)
    np.testing.assert_array_equal(merged.row, expected.row)
    died = len(list(deaths.iterdir()))
    assert died == times if times < 12 else 2 < died < times  # then this process did it
    again = spread.run(Draw(50, 9), blocks, (), CancelFlag())  # and all of them work again
    assert sum(len(part.row) for part in again if isinstance(part, Ranked)) == 100


def test_a_node_that_vanishes_changes_no_answer(
    ray: Any, cluster: Cluster, tmp_path: Path
) -> None:
    LocalPlace(tmp_path)
    blocks = some_blocks(tmp_path)
    expected = Engine(1).random_top_k(blocks, 50, 9)
    with another_node(cluster) as node:
        until(lambda: sum(each["Alive"] for each in ray.nodes()) == 2)
        opener = partial(open_elsewhere, None, tmp_path)
        guests = Crew(lambda: Guest(ray), Engine(1), opener, None)
        scoring = SpreadScoring(Engine(1), shards=guests)
        assert guests.count == 2
        before = scoring.draw(blocks, 50, 9, CancelFlag())
        node.stop()
        after = scoring.draw(blocks, 50, 9, CancelFlag())
        until(lambda: sum(each["Alive"] for each in ray.nodes()) == 1)  # the next test's cluster
    for found in (before, after):
        np.testing.assert_array_equal(found.block, expected.block)
        np.testing.assert_array_equal(found.row, expected.row)


def test_a_head_that_goes_silent_is_not_waited_for(
    crew: Crew, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = some_blocks(tmp_path)
    expected = Engine(1).random_top_k(blocks, 50, 9)
    scoring = SpreadScoring(Engine(1), shards=crew)
    np.testing.assert_array_equal(scoring.draw(blocks, 50, 9, CancelFlag()).row, expected.row)
    assert crew.count == 2
    monkeypatch.setattr("alservice.scoring.on_ray.call._SILENT_S", 1.0)
    silent = cluster.named("ray.util.client.server")
    try:
        for process in silent:
            process.suspend()
        np.testing.assert_array_equal(scoring.draw(blocks, 50, 9, CancelFlag()).row, expected.row)
        assert crew.count == 0
    finally:
        for process in silent:
            process.resume()
        crew.close()


def test_an_actor_that_hangs_is_not_waited_for(
    crew: Crew, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = some_blocks(tmp_path)
    expected = Engine(1).random_top_k(blocks, 50, 9)
    scoring = SpreadScoring(Engine(1), shards=crew)
    monkeypatch.setattr("alservice.scoring.on_ray.call._SILENT_S", 2.0)
    silent = cluster.named("ray::ShardActor")
    try:
        for process in silent:
            process.suspend()
        np.testing.assert_array_equal(scoring.draw(blocks, 50, 9, CancelFlag()).row, expected.row)
        assert crew.count == 2  # the cluster is not taken for gone
        assert [crew.actor(shard) for shard in range(2)] == [None, None]
    finally:
        for process in silent:
            process.resume()
    assert silent


def test_one_call_tries_an_actor_that_hung_and_ever_more_seldom(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr("alservice.scoring.on_ray.crew.time", clock)
    actor = crew.actor(0)
    for rest in (60, 120, 240, 480, 480):
        for _ in range(3):  # calls that had asked it
            crew.hung(0, actor)
        now += rest - 1
        assert crew.actor(0) is None
        now += 1
        assert crew.actor(0) is actor
        assert crew.actor(0) is None  # for the next one
    crew.well(0, actor)
    assert crew.actor(0) is crew.actor(0) is actor


def test_a_query_whose_actors_hang_can_be_cancelled(
    crew: Crew, cluster: Cluster, tmp_path: Path
) -> None:
    blocks, cancel = some_blocks(tmp_path), CancelFlag()
    row = np.zeros(1, np.int64)
    silent = cluster.named("ray::ShardActor")

    def stop_it() -> None:
        until(lambda: any(thread.name == "ray-call" for thread in threading.enumerate()))
        cancel.cancel()

    stop = threading.Thread(target=stop_it)
    try:
        for process in silent:
            process.suspend()
        stop.start()
        with pytest.raises(Cancelled):
            SpreadScoring(Engine(1), shards=crew).gather(blocks, row, row, cancel)
    finally:
        for process in silent:
            process.resume()
    stop.join()


def test_a_cancelled_query_ends_and_so_do_its_actors(crew: Crew, tmp_path: Path) -> None:
    blocks, cancel = some_blocks(tmp_path)[:1], CancelFlag()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            Spread(crew, LocalScoring(Engine(1))).run(Works(pipe), blocks, (), cancel)
        except Cancelled as error:
            raised.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    with pipe.open() as said:
        assert said.readline() == "begun\n"
        cancel.cancel()
        assert said.readline() == "ended\n"
    asking.join()
    assert len(raised) == 1


def test_a_place_that_is_not_the_same_everywhere_is_refused(ray: Any, tmp_path: Path) -> None:
    LocalPlace(tmp_path).set_mark("one")
    assert a_crew(ray, tmp_path, "one").count == 2
    with pytest.raises(StartupError, match="share the folder"):
        a_crew(ray, tmp_path, "another")


def test_a_folder_that_the_nodes_do_not_have_is_refused(ray: Any, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"nowhere is not there: share it"):
        a_crew(ray, tmp_path / "nowhere")


def test_actors_read_a_bucket_through_caches_of_their_own(
    ray: Any, s3: S3Server, tmp_path: Path
) -> None:
    address = s3.fresh()
    place = open_place(address, tmp_path / "replica")
    block = some_blocks(tmp_path / "first")[0]
    assert isinstance(block, SegmentBlock)
    segment = block.segment
    source = LocalFiles(tmp_path / "first" / "segments")
    with source.open(
        block.segment.segment_id, block.segment.size_bytes, block.segment.crc32c
    ) as m:
        draft = place.segments.create(segment.segment_id)
        draft.write(np.frombuffer(m.read(), np.uint8))
    draft.publish(segment.crc32c)
    opener = partial(open_bucket_elsewhere, aws(), address, tmp_path)
    crew = Crew(lambda: Guest(ray), Engine(1), opener, None, actors_per_node=2)
    found = SpreadScoring(Engine(1), shards=crew).draw([block], 9, 1, CancelFlag())
    expected = Engine(1).random_top_k([block], 9, 1)
    np.testing.assert_array_equal(found.row, expected.row)
    cached = list((tmp_path / f"alservice-shards-{os.geteuid()}").rglob(f"{segment.segment_id}*"))
    assert len(cached) == 1
    place.close()


def aws() -> dict[str, str]:
    """What leads to the bucket, for a process that does not have it in its environment."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
