"""A project whose index is built as a worker would build it."""

from typing import Any

from alservice.core import CancelFlag
from alservice.domain.artefact import Artefact
from alservice.domain.learner import Progress, silent
from alservice.domain.operation import Operation
from alservice.domain.pool_index import PoolIndex
from alservice.storage.artefacts import LocalArtefactStore
from alservice.usecases.build_index import BuildIndex, BuildIndexCommand
from alservice.usecases.pool_index import IndexOf
from alservice.usecases.run_build_index import RunBuildIndex
from alservice.usecases.snapshot import Snapshots
from tests.rounds import Rounds, a_call


def ask(rounds: Rounds, request_id: str = "", **fields: Any) -> Operation:
    """Call BuildIndex."""
    use_case: BuildIndex = rounds.wiring.make(BuildIndex)
    command = BuildIndexCommand(project_id=rounds.project_id, **fields)
    return use_case(a_call("BuildIndex", request_id), command)


def run(
    rounds: Rounds,
    operation: Operation,
    progress: Progress = silent,
    cancel: CancelFlag | None = None,
) -> None:
    """Do what a worker does."""
    rounds.wiring.make(RunBuildIndex)(operation, progress, cancel or CancelFlag())


def build(rounds: Rounds, **fields: Any) -> Operation:
    """Ask and run; the operation as it ended."""
    asked = ask(rounds, **fields)
    if not asked.state.done:
        run(rounds, rounds.claim())
    return rounds.operation(asked.operation_id)


def live(rounds: Rounds) -> Artefact | None:
    """The row of the index that is published."""
    return rounds.catalog.read(lambda tx: tx.artefacts.live(rounds.project_id))


def look(rounds: Rounds) -> tuple[PoolIndex | None, str]:
    """What Query would use now, and what it would say."""
    snapshot, _ = rounds.wiring.make(Snapshots).take(rounds.project_id, "", lambda *_: None)
    found: tuple[PoolIndex | None, str] = rounds.wiring.make(IndexOf)(snapshot)
    return found


def damage(rounds: Rounds) -> None:
    """Cut the last byte off every index."""
    for path in (rounds.store._folder.parent / "artefacts").glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])


def files(rounds: Rounds) -> list[str]:
    """The ids of all files of artefacts."""
    return list(LocalArtefactStore(rounds.store._folder.parent / "artefacts").stray([]))
