"""An actor that answers is never taken for one that hangs, however long it works."""

import time
from types import SimpleNamespace
from typing import Any

from alservice.scoring.on_ray.pulse import Pulse

AN_HOUR = 3600.0


def an_actor() -> Any:
    """One whose questions are all the same reference."""
    return SimpleNamespace(about=SimpleNamespace(remote=lambda: "asked"))


def test_it_is_asked_only_after_a_quarter_of_the_time() -> None:
    pulse = Pulse(time.monotonic())
    assert pulse.beats([], an_actor(), AN_HOUR)
    assert pulse.asked is None
    pulse.heard -= AN_HOUR * 2  # nobody looked meanwhile, which is not its fault
    assert pulse.beats([], an_actor(), AN_HOUR)
    assert pulse.asked == "asked"


def test_an_answer_begins_the_time_anew_and_silence_ends_it() -> None:
    pulse = Pulse(time.monotonic() - AN_HOUR - 1, "asked")
    assert pulse.beats(["asked"], an_actor(), AN_HOUR)
    assert pulse.asked is None
    pulse = Pulse(time.monotonic() - AN_HOUR - 1, "asked")
    assert not pulse.beats([], an_actor(), AN_HOUR)
