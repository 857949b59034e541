"""Who takes the place of a dead actor is asked who it is before it is given orders."""

import os
import shutil
import threading
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from alservice.core import Block, CancelFlag, Engine
from alservice.scoring.local import LocalScoring
from alservice.scoring.on_ray import Crew
from alservice.scoring.spread.shards import Order
from alservice.scoring.spread.spread import Spread
from alservice.storage.files.local_place import LocalPlace
from bench.ray_cluster import Cluster
from tests.ray.crews import a_crew, some_blocks
from tests.ray.tasks import CannotBeSent, Says, open_noted

CREW = "alservice.scoring.on_ray.crew"
ME = {os.getpid()}


def who(crew: Crew, blocks: list[Block]) -> set[object]:
    """The processes that carry out an order on all of these."""
    return set(Spread(crew, LocalScoring(Engine(1))).run(Says(), blocks, (), CancelFlag()))


def kill(pids: set[object]) -> None:
    """End these, and see that they have ended."""
    for pid in pids:
        assert isinstance(pid, int) and pid not in ME
        process = psutil.Process(pid)
        process.kill()
        process.wait()


def found_again(crew: Crew) -> None:
    """See that it looks for the cluster no longer."""
    for thread in threading.enumerate():
        if thread.name == "ray-again":
            thread.join()
    assert crew.count == 2


def moved(place: Path, mark: str) -> Path:
    """Where the place is now; instead there is another one, with the same files."""
    away = place.with_name("away")
    place.rename(away)
    LocalPlace(place).set_mark(mark)
    shutil.copytree(away / "segments", place / "segments", dirs_exist_ok=True)
    return away


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Of the mark "one"."""
    LocalPlace(tmp_path / "place").set_mark("one")
    return tmp_path / "place"


def test_those_that_cannot_begin_are_tried_once_a_minute(
    ray: Any, place: Path, tmp_path: Path
) -> None:
    noted = tmp_path / "noted"
    noted.mkdir()
    blocks = some_blocks(place)
    crew = a_crew(ray, place, "one", partial(open_noted, noted, place))
    first = who(crew, blocks)
    assert len(first) == 2
    place.rename(tmp_path / "away")
    kill(first)
    for _ in range(3):
        assert who(crew, blocks) == ME
    assert len(list(noted.iterdir())) == 4  # two at the start, and one for each that died


def test_one_that_sees_another_place_is_given_no_orders(
    ray: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = some_blocks(place)
    crew = a_crew(ray, place, "one")
    first = who(crew, blocks)
    away = moved(place, "other")
    kill(first)
    monkeypatch.setattr(f"{CREW}._REST_S", 0.0)
    assert who(crew, blocks) == ME
    place.rename(place.with_name("other"))
    away.rename(place)
    again = who(crew, blocks)
    assert len(again) == 2 and not again & (first | ME)


def test_one_of_another_version_is_given_no_orders(
    ray: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = some_blocks(place)
    crew = a_crew(ray, place, "one")
    first = who(crew, blocks)
    monkeypatch.setattr(f"{CREW}.__version__", "0.0.1")
    kill(first)
    assert who(crew, blocks) == ME


def test_what_fails_late_says_nothing_of_the_cluster_that_was_found_again(
    ray: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{CREW}._AGAIN_S", 0.0)
    monkeypatch.setattr(f"{CREW}._REST_S", 0.0)
    blocks, late, at_once = some_blocks(place), CannotBeSent(), CannotBeSent()
    crew = a_crew(ray, place, "one")
    with crew.start({0: Order(late, ())}) as waiting:
        late.begun.wait()
        at_once.go.set()
        with crew.start({0: Order(at_once, ())}) as lost:
            assert lost.wait(CancelFlag()) == {}
        found_again(crew)
        moved(place, "other")
        kill(who(crew, blocks))
        assert who(crew, blocks) == ME  # both places are empty
        late.go.set()
        assert waiting.wait(CancelFlag()) == {}
    assert crew.count == 2


def test_a_head_that_goes_silent_while_places_are_empty_is_missed(
    ray: Any, cluster: Cluster, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = some_blocks(place)
    crew = a_crew(ray, place, "one")
    first = who(crew, blocks)
    moved(place, "other")
    kill(first)
    monkeypatch.setattr(f"{CREW}._REST_S", 0.0)
    assert who(crew, blocks) == ME
    monkeypatch.setattr("alservice.scoring.on_ray.call._SILENT_S", 1.0)
    silent = cluster.named("ray.util.client.server")
    try:
        for process in silent:
            process.suspend()
        assert crew.count == 2
        assert who(crew, blocks) == ME
        assert crew.count == 0
    finally:
        for process in silent:
            process.resume()
        crew.close()
