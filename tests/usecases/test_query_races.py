"""Many callers at once never get the same item, and the audit's share holds all the same."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from alservice.domain.audit import audit_target
from alservice.domain.batch import Arm
from alservice.usecases.query import QueryResult
from tests.rounds import Rounds, a_call, ids

THREADS = 20


def all_at_once(ask: Callable[[int], QueryResult]) -> list[QueryResult]:
    """What each of 20 threads got; they begin together."""
    ready = threading.Barrier(THREADS)

    def go(number: int) -> QueryResult:
        ready.wait()
        return ask(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(go, range(THREADS)))


@pytest.mark.parametrize("strategy", ["margin", "random", "k_center"])
def test_twenty_callers_share_no_item(start: Callable[..., Rounds], strategy: str) -> None:
    rounds = start(reserve_share=0.2)
    rounds.add(ids(1_000))
    rounds.label(ids(8))
    rounds.learn()
    answers = all_at_once(lambda n: rounds.query(7, strategy=strategy, annotator_id=f"a{n}"))
    taken = [item.item_id for answer in answers for item in answer.batch.items]
    assert len(taken) == len(set(taken)) == 7 * THREADS
    leases = rounds.catalog.read(lambda tx: tx.leases.live("rounds", 0))
    assert {lease.item_id for lease in leases} == set(taken)
    audit = [i for a in answers for i in a.batch.items if i.arm is Arm.AUDIT]
    project = rounds.project
    assert len(audit) == project.audit_asked == audit_target(project.policy, 7 * THREADS)


def test_twenty_callers_empty_a_pool_without_losing_or_doubling_an_item(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(strategy="random")
    rounds.add(ids(5 * THREADS))
    answers = all_at_once(lambda _: rounds.query(5, seed=1))
    assert sorted(i.item_id for a in answers for i in a.batch.items) == sorted(ids(5 * THREADS))


def test_one_request_sent_twenty_times_at_once_is_answered_once(rounds: Rounds) -> None:
    answers = all_at_once(lambda _: rounds.query(5, call=a_call("Query", "r1")))
    assert all(answer == answers[0] for answer in answers)
    assert len(rounds.catalog.read(lambda tx: tx.leases.live("rounds", 0))) == 5
