"""What the logs say about the work of the dead."""

import json

from tests.chaos.takeovers import Kill, Start, starts, takeovers


def test_a_log_tells_who_began_what_and_when() -> None:
    line = {"operation": "o", "attempt": 2, "timestamp": "1970-01-01T00:01:00.500000Z"}
    log = [json.dumps(line | {"event": event}) for event in ("operation.started", "other")]
    assert starts("a", ["no JSON", *log]) == [Start("a", "o", 2, 60.5)]


def test_a_takeover_counts_from_the_death_of_the_one_that_had_the_work() -> None:
    begun = [Start("a", "o", 1, 10), Start("b", "o", 2, 27), Start("a", "p", 1, 30)]
    kills = [Kill("a", 5), Kill("b", 12), Kill("a", 20), Kill("a", 40)]
    assert takeovers(begun, kills) == [7]
    given_back = [Start("b", "q", 1, 50), Start("a", "q", 2, 51)]
    assert takeovers(given_back, kills) == []
