"""A server whose pool is walked by Ray actors: the answers are those of a server without."""

from pathlib import Path

import psutil
import pytest
from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as al
from tests.e2e.api import Api, label, random_vectors, until
from tests.ray.cluster import Cluster, need_ray, running_cluster
from tests.running_server import running_server

ITEMS = 4000  # of 256 numbers: 4 MB, which do not fit into the catalog
STRATEGIES = ("margin", "random", "auto", "k_center", "badge", "typiclust", "weighted_k_means")


def test_a_server_on_ray_answers_like_one_without_and_outlives_its_actors(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "data"
    with running_server(folder) as server:
        api = Api(server.channel)
        project = api.create("near", reserve_share=0.0)
        api.add(project, random_vectors(ITEMS, 256))
        asked = [item.item_id for item in api.query(project, batch_size=20).batch.items]
        api.label(project, *(label(n, ("cat", "dog")[i % 2]) for i, n in enumerate(asked)))
        begun = api.active.Train(al.TrainRequest(project=project))
        wait = operations_pb2.WaitOperationRequest(name=begun.name)
        assert not api.operations.WaitOperation(wait, timeout=120).error.code
        before = {name: ranked(api, project, name) for name in STRATEGIES}
        assert server.terminate() == 0
    with running_server(folder, "--scoring", cluster.address) as server:
        api = Api(server.channel)
        assert {name: ranked(api, project, name) for name in STRATEGIES} == before
        actor = walker(folder)
        actor.kill()
        actor.wait()
        assert ranked(api, project, "margin") == before["margin"]
        assert walker(folder).pid != actor.pid
        assert server.terminate() == 0


def test_a_cluster_that_goes_is_missed_by_nobody_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_ray()
    folder, log = tmp_path / "data", tmp_path / "data.log"
    with running_cluster() as cluster:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        with running_server(folder, "--scoring", cluster.address) as server:
            api = Api(server.channel)
            project = api.create("near", reserve_share=0.0)
            api.add(project, random_vectors(ITEMS, 256))
            before = ranked(api, project, "random")
            cluster.stop()
            assert ranked(api, project, "random") == before
            assert "the Ray cluster is gone" in log.read_text()
            with running_cluster(cluster):
                until(
                    lambda: (
                        ranked(api, project, "random") == before
                        and "the Ray cluster is back" in log.read_text()
                    )
                )
                assert ranked(api, project, "random") == before
                assert walker(folder).is_running()
            assert server.terminate() == 0


def ranked(api: Api, project: str, strategy: str) -> list[tuple[str, float]]:
    """What a strategy says, without leasing anything."""
    found = api.query(project, batch_size=10, strategy=strategy, dry_run=True, seed=7)
    return [(item.item_id, item.score) for item in found.batch.items]


def walker(folder: Path) -> psutil.Process:
    """The process other than the server that has mapped a segment of the folder."""
    (segment,) = (folder / "segments").glob("*.safetensors")
    found = [each for each in psutil.process_iter() if "ShardActor" in name_of(each)]
    (mine,) = [each for each in found if str(segment) in maps(each)]
    return mine


def name_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def maps(process: psutil.Process) -> str:
    return Path(f"/proc/{process.pid}/maps").read_text()
