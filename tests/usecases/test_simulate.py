import pytest

from alservice.domain import errors
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.usecases.simulate import Simulate, SimulateCommand
from tests.rounds import Rounds, a_call, ids


def ask(rounds: Rounds, *strategies: str, request_id: str = "") -> Operation:
    command = SimulateCommand(project_id=rounds.project_id, strategies=strategies)
    made: Operation = rounds.wiring.make(Simulate)(a_call("Simulate", request_id), command)
    return made


@pytest.fixture
def labelled(rounds: Rounds) -> Rounds:
    rounds.label(ids(40))
    return rounds


def test_a_simulation_waits_for_a_worker_and_is_compared_with_random(labelled: Rounds) -> None:
    operation = ask(labelled, "entropy", "random")
    assert (operation.kind, operation.state) == (OperationKind.SIMULATE, OperationState.QUEUED)
    assert operation.request["strategies"] == "random,entropy"
    assert operation.request["seeds"] == 10


def test_the_project_s_own_strategy_plays_where_none_is_named(labelled: Rounds) -> None:
    own = labelled.project.policy.strategy
    assert ask(labelled).request["strategies"] == f"random,{own}"


def test_a_repeated_request_is_one_simulation(labelled: Rounds) -> None:
    first = ask(labelled, "margin", request_id="r")
    assert ask(labelled, "margin", request_id="r").operation_id == first.operation_id


def test_misspelt_strategies_are_refused(labelled: Rounds) -> None:
    with pytest.raises(errors.StrategyUnknown):
        ask(labelled, "mrgin")
    with pytest.raises(errors.InvalidField, match="diversify"):
        ask(labelled, "margin+entropy")


def test_too_many_strategies_are_refused(labelled: Rounds) -> None:
    known = ["margin", "entropy", "least_confidence", "k_center"]
    many = [*known, *(f"{name}+power" for name in known[:3]), "margin+softmax"]
    with pytest.raises(errors.InvalidField, match="at most 8"):
        ask(labelled, *many)


def test_too_few_labels_are_refused(rounds: Rounds) -> None:
    rounds.label(ids(39))
    with pytest.raises(errors.SimulationNeedsLabels, match="there are 39"):
        ask(rounds)
