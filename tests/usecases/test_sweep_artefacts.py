"""What was given up, superseded or orphaned goes; what is used stays."""

import numpy as np

from alservice.domain.artefact import Artefact, ArtefactState
from alservice.ports.artefacts import ArtefactStore
from alservice.usecases.sweep_artefacts import SweepArtefacts
from alservice.usecases.sweep_files import Swept
from alservice.usecases.write_segments import WRITING_MS
from tests.rounds import Rounds
from tests.usecases.conftest import Clock
from tests.usecases.indexes import build, files, look


def store(rounds: Rounds) -> ArtefactStore:
    found: ArtefactStore = rounds.wiring.make(ArtefactStore)
    return found


def test_a_live_index_stays(rounds: Rounds) -> None:
    build(rounds)
    assert rounds.wiring.make(SweepArtefacts)() == Swept(0, 0)
    assert look(rounds)[0] is not None


def test_a_file_that_nobody_finished_goes_after_a_day(rounds: Rounds, clock: Clock) -> None:
    row = Artefact(
        artefact_id="x-1",
        project_id="rounds",
        operation_id="o-1",
        state=ArtefactState.WRITING,
        expire_time_ms=clock() + WRITING_MS,
    )
    rounds.catalog.transact(lambda tx: tx.artefacts.store(row))
    store(rounds).write("x-1", {"a": np.zeros(1, np.int32)})
    sweep = rounds.wiring.make(SweepArtefacts)
    assert sweep() == Swept(0, 0) and files(rounds) == ["x-1"]
    clock.advance(WRITING_MS)
    assert sweep() == Swept(1, 0) and files(rounds) == []
    assert rounds.catalog.read(lambda tx: tx.artefacts.all_ids()) == []


def test_a_project_that_is_gone_takes_its_index_along(rounds: Rounds) -> None:
    build(rounds)
    rounds.catalog.transact(lambda tx: tx.projects.delete("rounds"))
    assert rounds.wiring.make(SweepArtefacts)() == Swept(1, 0)
    assert files(rounds) == []


def test_files_without_a_row_go_at_once(rounds: Rounds) -> None:
    build(rounds)
    store(rounds).write("x-stray", {"a": np.zeros(1, np.int32)})
    assert rounds.wiring.make(SweepArtefacts)() == Swept(0, 1)
    assert "x-stray" not in files(rounds) and len(files(rounds)) == 1
