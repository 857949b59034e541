"""Whoever queues work wakes every worker, and none takes the call from another."""

from alservice.workers.wake import Wake


def test_each_loop_has_an_event_of_its_own_and_all_are_set() -> None:
    wake = Wake()
    first, second = wake.event(), wake.event()
    wake()
    first.clear()
    assert second.is_set() and not first.is_set()
