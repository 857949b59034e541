"""The commit trusts nothing that may have changed since the choice."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from alservice import strategies
from alservice.core import CancelFlag
from alservice.domain.batch import Arm, Batch
from alservice.domain.strategy import Scoring, Selecting
from alservice.ports.catalog import Tx
from alservice.usecases.choose_batch import Choice, ChooseBatch, Draws, Wish
from alservice.usecases.commit_batch import StaleSnapshot, Terms, commit_batch, dry_batch
from alservice.usecases.plan_choice import Asked
from alservice.usecases.require import lock_project
from alservice.usecases.snapshot import Snapshot, Snapshots
from tests.rounds import Rounds, ids


@dataclass
class Late:
    """A choice, made now and committed when the test likes."""

    rounds: Rounds
    snapshot: Snapshot
    choice: Choice
    terms: Terms

    def commit(self) -> Batch:
        def work(tx: Tx) -> Batch:
            project = lock_project(tx, self.rounds.project_id)
            return commit_batch(tx, project, self.snapshot, self.choice, self.terms)

        return self.rounds.catalog.transact(work)

    @property
    def picks(self) -> list[str]:
        return [candidate.item_id for candidate in self.choice.picks.candidates]


def choose(rounds: Rounds, batch_size: int = 5, attempt: int = 0) -> Late:
    draw = strategies.discover()["random"]
    wish = Wish(
        batch_size=batch_size,
        asked=Asked(strategy=draw),
        seed=5,
        model=None,
        attempt=attempt,
    )
    snapshots: Snapshots = rounds.wiring.make(Snapshots)
    snapshot, _ = snapshots.take(rounds.project_id, "ada", lambda *_: None)
    choice = rounds.wiring.make(ChooseBatch)(snapshot, wish, CancelFlag())
    terms = Terms(batch_size=batch_size, annotator_id="ada", lease_ms=60_000, seed=5)
    return Late(rounds, snapshot, choice, terms)


def names(batch: Batch) -> set[str]:
    return {item.item_id for item in batch.items}


def test_a_choice_that_nothing_came_between_is_committed_as_it_is(rounds: Rounds) -> None:
    late = choose(rounds)
    dry = dry_batch(late.snapshot, late.choice, late.terms)
    batch = late.commit()
    assert batch.items == dry.items and names(batch) == set(late.picks[:5])
    assert batch.revision == late.snapshot.project.revision
    assert rounds.project.queried_asked == 5


@pytest.mark.parametrize("how", ["labelled", "leased", "deleted", "updated"])
def test_what_others_took_meanwhile_is_replaced_from_the_slack(rounds: Rounds, how: str) -> None:
    late = choose(rounds)
    lost, kept = late.picks[:3], late.picks[3:8]
    if how == "labelled":
        rounds.label(lost)
    elif how == "deleted":
        rounds.pool.delete(*lost)
    elif how == "updated":
        rounds.pool.regroup(*lost, group="elsewhere")
    else:
        choose(rounds, 3).commit()
    assert names(late.commit()) == set(kept)


def test_a_merge_makes_the_snapshot_stale_because_rows_have_moved(rounds: Rounds) -> None:
    rounds.add(ids(5, 40))
    late = choose(rounds)
    rounds.pool.merge()
    with pytest.raises(StaleSnapshot):
        late.commit()


def test_items_added_meanwhile_do_no_harm(rounds: Rounds) -> None:
    late = choose(rounds)
    rounds.add(ids(5, 40))
    assert names(late.commit()) == set(late.picks[:5])


def test_a_choice_whose_slack_is_used_up_is_stale(rounds: Rounds) -> None:
    late = choose(rounds)
    draws = Draws(late.choice.picks.candidates[:6], 40)
    late.choice = replace(late.choice, picks=draws)
    rounds.label(late.picks[:2])
    with pytest.raises(StaleSnapshot):
        late.commit()
    assert rounds.project.queried_asked == 0


def test_when_the_choice_held_all_there_was_fewer_are_handed_out(rounds: Rounds) -> None:
    late = choose(rounds, 40)
    rounds.label(ids(38))
    assert names(late.commit()) == {"i38", "i39"}


def test_when_nothing_at_all_is_left_the_snapshot_is_stale(rounds: Rounds) -> None:
    late = choose(rounds, 40)
    rounds.label(ids(40))
    with pytest.raises(StaleSnapshot):
        late.commit()


def test_a_project_of_the_same_name_is_not_the_same_project(rounds: Rounds) -> None:
    late = choose(rounds)
    late.snapshot = replace(
        late.snapshot, project=replace(late.snapshot.project, uid="p-of-before")
    )
    with pytest.raises(StaleSnapshot):
        late.commit()


def test_the_audits_share_is_that_of_the_moment_of_the_commit(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(reserve_share=0.3)
    rounds.add(ids(200))
    first, second = choose(rounds, 10), choose(rounds, 10)
    by_arm = [[i.arm for i in late.commit().items].count(Arm.AUDIT) for late in (first, second)]
    assert by_arm == [1, 1]
    early, other = choose(rounds, 5), choose(rounds, 5)
    assert [i.arm for i in early.commit().items].count(Arm.AUDIT) == 0
    assert [i.arm for i in other.commit().items].count(Arm.AUDIT) == 1


@pytest.mark.parametrize("strategy", ["random", "margin", "k_center", "weighted_k_means"])
def test_each_further_attempt_has_more_slack_and_none_without_bound(strategy: str) -> None:
    chooser = strategies.discover()[strategy]
    assert isinstance(chooser, Scoring | Selecting)
    counts = [
        Wish(
            batch_size=10_000, asked=Asked(strategy=chooser), seed=0, model=None, attempt=attempt
        ).pick_count(chooser, audits=0)
        for attempt in range(8)
    ]
    assert counts == sorted(counts) and counts[0] < counts[2] and counts[-1] < 30_000


def test_a_batch_whose_parts_belong_together_is_first_asked_for_without_slack() -> None:
    chooser = strategies.discover()["weighted_k_means"]
    assert isinstance(chooser, Selecting) and not chooser.greedy
    wish = Wish(batch_size=20, asked=Asked(strategy=chooser), seed=0, model=None)
    assert wish.pick_count(chooser, audits=2) == 18
