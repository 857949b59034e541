from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.item import Role
from alservice.domain.label import Answer
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.usecases import replay_limits
from alservice.usecases.delete_items import DeleteItems, DeleteItemsCommand
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
    for place in ("x.py:f", "/tmp/x.py:f", "x.f", "label=x.py:f"):  # noqa: S108 (never opened)
        with pytest.raises(errors.StrategyUnknown):
            ask(labelled, place)
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


def test_labels_that_only_measure_do_not_count(start: Callable[..., Rounds]) -> None:
    rounds = start()
    rounds.add(ids(39))
    rounds.add(ids(20, 39), role=Role.TEST)
    rounds.label(ids(59))
    with pytest.raises(errors.SimulationNeedsLabels, match="there are 39"):
        ask(rounds)


def test_labels_of_one_class_are_refused_at_the_call(rounds: Rounds) -> None:
    rounds.submit(*(Answer(item_id=i, class_id="cat") for i in ids(40)))
    with pytest.raises(errors.SimulationNeedsLabels, match="there are 40, and 1 such"):
        ask(rounds)


def test_too_many_rounds_are_refused_at_the_call(
    labelled: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_limits, "MOST_ROUNDS", 19)  # 40 labels: 14 in two rounds
    with pytest.raises(errors.InvalidField, match="40 rounds; a simulation may have 19"):
        ask(labelled, "margin")


def test_a_repeat_finds_its_simulation_though_the_labels_are_gone(labelled: Rounds) -> None:
    first = ask(labelled, "margin", request_id="r")
    delete: DeleteItems = labelled.wiring.make(DeleteItems)
    delete(a_call("DeleteItems"), DeleteItemsCommand(labelled.project_id, ids(40)))
    assert ask(labelled, "margin", request_id="r").operation_id == first.operation_id
