"""A server whose pool is walked by Ray actors: the answers are those of a server without."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as al
from bench.ray_cluster import START_S, Cluster
from tests.client.cutting_proxy import cutting_proxy
from tests.e2e.api import Api, label, random_vectors, until
from tests.running_server import running_server

ITEMS = 4000  # of 256 numbers: 4 MB, which do not fit into the catalog
STRATEGIES = ("margin", "random", "auto", "k_center", "badge", "typiclust", "weighted_k_means")
pytestmark = pytest.mark.timeout(3 * START_S)
Answers = dict[str, list[tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Taught:
    """A project with a model, and what a server without Ray answered on it."""

    folder: Path
    project: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class OnRay:
    """A server on the same folder, and the road to its cluster."""

    api: Api
    log: Path
    cluster: Cluster
    port: int
    road: ExitStack = field(default_factory=ExitStack)

    def cut(self) -> None:
        """Nobody reaches the cluster any more."""
        self.road.close()

    def mend(self) -> None:
        """They do again."""
        self.road.enter_context(cutting_proxy(head_of(self.cluster), [], self.port))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    folder = tmp_path_factory.mktemp("near") / "data"
    with running_server(folder) as server:
        api = Api(server.channel)
        project = api.create("near", reserve_share=0.0)
        api.add(project, random_vectors(ITEMS, 256))
        teach(api, project)
        answers = answers_of(api, project)
        assert server.terminate() == 0
    return Taught(folder, project, answers)


@pytest.fixture(scope="module")
def on_ray(cluster: Cluster, taught: Taught) -> Iterator[OnRay]:
    log = taught.folder.parent / f"{taught.folder.name}.log"
    with pytest.MonkeyPatch.context() as patch, ExitStack() as road:
        for name, value in cluster.environment.items():
            patch.setenv(name, value)
        proxy = road.enter_context(cutting_proxy(head_of(cluster), []))
        flags = ("--scoring", f"ray://{proxy.address}")
        with running_server(taught.folder, *flags, start_s=START_S) as server:
            port = proxy.listener.getsockname()[1]
            yield OnRay(Api(server.channel), log, cluster, port, road)
            assert server.terminate() == 0


def test_a_server_on_ray_answers_like_one_without(on_ray: OnRay, taught: Taught) -> None:
    assert answers_of(on_ray.api, taught.project) == taught.answers
    assert walker(on_ray, taught).is_running()
    assert "a shard did not answer" not in on_ray.log.read_text()


def test_rounds_of_questions_labels_and_training_on_ray(on_ray: OnRay) -> None:
    api = on_ray.api
    project = api.create("rounds", reserve_share=0.0)
    api.add(project, random_vectors(ITEMS, 256, seed=1))
    known: set[str] = set()
    for strategy in ("", "auto", "margin", "k_center"):
        asked = teach(api, project, strategy)
        assert len(asked) == 20 and not known & set(asked)
        known |= set(asked)
    assert api.show(project).stats.settled_count == len(known)
    assert "a shard did not answer" not in on_ray.log.read_text()


def test_an_actor_that_is_killed_is_replaced(on_ray: OnRay, taught: Taught) -> None:
    actor = walker(on_ray, taught)
    actor.kill()
    actor.wait()
    assert ranked(on_ray.api, taught.project, "margin") == taught.answers["margin"]
    assert walker(on_ray, taught).pid != actor.pid


def test_a_cluster_out_of_reach_is_missed_by_nobody_and_found_again(
    on_ray: OnRay, taught: Taught
) -> None:
    on_ray.cut()
    assert answers_of(on_ray.api, taught.project) == taught.answers
    assert "the Ray cluster is gone" in on_ray.log.read_text()
    on_ray.mend()
    until(
        lambda: (
            ranked(on_ray.api, taught.project, "random") == taught.answers["random"]
            and "the Ray cluster is back" in on_ray.log.read_text()
        )
    )
    assert answers_of(on_ray.api, taught.project) == taught.answers
    assert walker(on_ray, taught).is_running()


def head_of(cluster: Cluster) -> str:
    """Where it listens for clients: host:port."""
    return cluster.address.removeprefix("ray://")


def teach(api: Api, project: str, strategy: str = "") -> list[str]:
    """A batch, its labels and a model; whom it asked about."""
    batch = api.query(project, batch_size=20, strategy=strategy).batch
    asked = [item.item_id for item in batch.items]
    api.label(project, *(label(name, ("cat", "dog")[n % 2]) for n, name in enumerate(asked)))
    begun = api.active.Train(al.TrainRequest(project=project))
    wait = operations_pb2.WaitOperationRequest(name=begun.name)
    assert not api.operations.WaitOperation(wait, timeout=120).error.code
    return asked


def answers_of(api: Api, project: str) -> Answers:
    """What each strategy says."""
    return {name: ranked(api, project, name) for name in STRATEGIES}


def ranked(api: Api, project: str, strategy: str) -> list[tuple[str, float]]:
    """What a strategy says, without leasing anything."""
    found = api.query(project, batch_size=10, strategy=strategy, dry_run=True, seed=7)
    return [(item.item_id, item.score) for item in found.batch.items]


def walker(on_ray: OnRay, taught: Taught) -> psutil.Process:
    """The actor that has mapped a segment of the project; there is one."""
    segments = [str(path) for path in (taught.folder / "segments").glob("*.safetensors")]
    actors = on_ray.cluster.named("ShardActor")
    (found,) = [each for each in actors if any(segment in maps(each) for segment in segments)]
    return found


def maps(process: psutil.Process) -> str:
    return Path(f"/proc/{process.pid}/maps").read_text()
