"""When what happens."""

from tests.chaos.havoc import Plan


def test_replicas_die_in_turns_and_not_in_the_last_moments() -> None:
    assert Plan(40, 13, 1).kills_s == [13, 26]
    assert Plan(40, 13, 1).restarts_s == [20]
    long = Plan(600, 20, 2)
    assert (len(long.kills_s), max(long.kills_s)) == (29, 580)
    assert long.restarts_s == [200, 400]
    assert Plan(600, 20, 2, pauses=1).pauses_s == [310]
