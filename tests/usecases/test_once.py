"""Doing a thing once per request_id."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.call import Call
from alservice.domain.principal import Principal
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import REMEMBERED_MS, once, recall
from tests.usecases.conftest import CallFactory, Clock


@pytest.fixture
def effects() -> list[int]:
    return []


@pytest.fixture
def do(catalog: Catalog, effects: list[int]) -> Callable[..., int]:
    """Does a thing and returns how often it has been done; counts what was done in `effects`."""

    def effect() -> int:
        effects.append(len(effects) + 1)
        return effects[-1]

    def run(call: Call, project_id: str = "p") -> int:
        return catalog.transact(lambda tx: once(tx, call, project_id, effect, str, int))

    return run


def test_a_repeated_request_has_one_effect_and_equal_answers(
    do: Callable[..., int], call: CallFactory, effects: list[int]
) -> None:
    assert [do(call("M", "r1")) for _ in range(3)] == [1, 1, 1]
    assert effects == [1]


def test_without_a_request_id_nothing_is_remembered(
    do: Callable[..., int], call: CallFactory
) -> None:
    assert [do(call("M")) for _ in range(3)] == [1, 2, 3]


def test_the_id_belongs_to_one_caller_method_and_project(
    do: Callable[..., int], call: CallFactory
) -> None:
    stranger = call("M", "r1", principal=Principal("stranger"))
    calls = [(call("M", "r1"), "p"), (call("N", "r1"), "p"), (stranger, "p")]
    assert [do(*each) for each in [*calls, (call("M", "r1"), "q")]] == [1, 2, 3, 4]


def test_another_request_under_the_same_id_is_refused(
    do: Callable[..., int], call: CallFactory, effects: list[int]
) -> None:
    do(call("M", "r1", fingerprint="a"))
    with pytest.raises(errors.RequestIdReused):
        do(call("M", "r1", fingerprint="b"))
    assert effects == [1]


def test_a_failure_is_not_remembered(
    do: Callable[..., int], call: CallFactory, catalog: Catalog
) -> None:
    def fail() -> int:
        raise errors.PoolEmpty("no")

    def work(tx: Tx) -> int:
        return once(tx, call("M", "r1"), "p", fail, str, int)

    with pytest.raises(errors.PoolEmpty):
        catalog.transact(work)
    assert do(call("M", "r1", fingerprint="another")) == 1


def test_a_record_lives_for_a_day(do: Callable[..., int], call: CallFactory, clock: Clock) -> None:
    do(call("M", "r1"))
    clock.advance(REMEMBERED_MS - 1_000)
    assert do(call("M", "r1")) == 1
    clock.advance(2_000)
    assert do(call("M", "r1")) == 2


def test_what_was_recorded_can_be_looked_up_without_doing_it(
    do: Callable[..., int], call: CallFactory, catalog: Catalog
) -> None:
    assert catalog.read(lambda tx: recall(tx, call("M", "r1"), "p")) is None
    do(call("M", "r1"))
    assert catalog.read(lambda tx: recall(tx, call("M", "r1"), "p")) == "1"
