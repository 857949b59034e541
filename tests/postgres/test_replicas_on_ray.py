"""Two servers on one database, one data folder and one Ray cluster."""

from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from bench.ray_cluster import START_S, Cluster
from tests.e2e.api import Api, label, random_vectors, until
from tests.postgres.server import PostgresServer
from tests.running_server import running_server


@pytest.mark.timeout(4 * START_S)
def test_replicas_share_a_cluster_and_leave_nothing_in_it(
    server: PostgresServer,
    empty: str,
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "shared").mkdir()
    flags = ("--catalog", server.dsn(empty), "--scoring", cluster.address)
    with ExitStack() as stack:
        replicas = []
        for name in ("one", "two"):
            (tmp_path / name).symlink_to("shared", target_is_directory=True)
            start = running_server(tmp_path / name, *flags, start_s=START_S)
            replicas.append(stack.enter_context(start))
        first, second = (Api(replica.channel) for replica in replicas)
        project = first.create("shared", reserve_share=0.0)
        second.add(project, random_vectors(3000, 256))  # too much for the catalog: a file
        batches = [api.query(project, batch_size=20).batch for api in (first, second) * 2]
        asked = [item.item_id for batch in batches for item in batch.items]
        assert len(asked) == len(set(asked)) == 80
        assert first.label(project, *map(label, asked)) == ["RECORDED"] * 80
        actors = walkers(cluster, tmp_path / "shared")
        assert len(actors) == 2  # each replica has its own
        replicas[0].kill()
        until(
            lambda: (
                second.show(project).stats.settled_count == 80
                and sum(actor.is_running() for actor in actors) == 1
            )
        )
        assert len(second.query(project, batch_size=20).batch.items) == 20
        assert len(walkers(cluster, tmp_path / "shared")) == 1
        assert replicas[1].terminate() == 0
    logs = [(tmp_path / f"{name}.log").read_text() for name in ("one", "two")]
    assert not any("a shard did not answer" in log for log in logs)


def walkers(cluster: Cluster, folder: Path) -> list[psutil.Process]:
    """The actors that have mapped a segment of the folder."""
    actors = cluster.named("ShardActor")
    place = str(folder / "segments")
    return [each for each in actors if place in Path(f"/proc/{each.pid}/maps").read_text()]
