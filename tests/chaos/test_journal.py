"""The history on disk is the history."""

from pathlib import Path

from tests.chaos.call import NEVER
from tests.chaos.journal import Journal, calls_in, decode, encode
from tests.e2e.history import Add, Answer, Handed, Hold, Look, Refused, Request, Seen, Submit


def test_what_is_written_is_read_again() -> None:
    said = Submit((Answer(1, "x", "ann", "cat"), Answer(2, "y", "bob", "", outcome="ABSTAIN")))
    told = Handed("b", ("x", "y"), "told", Hold(1, 2, ("x",), 3))
    for value in (Request("c", 1, said), told, Add(("x",), ("",), replace=True), Look(), None):
        assert decode(encode(value)) == value
    assert decode(encode(told)).hold == told.hold


def test_a_call_is_on_disk_before_it_is_sent_and_after_it_has_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "c")
    looks = [Request("c", number, Look()) for number in range(3)]
    for look, result in zip(looks, (Seen(4), None), strict=False):
        journal.begin(look)
        journal.end(result, 2, "" if result else "gone")
    journal.begin(looks[2], hurried=True)
    answered, failed, open_ = calls_in(tmp_path / "c")
    journal.close()
    assert (answered.request, answered.result, answered.attempts) == (looks[0], Seen(4), 2)
    assert 0 <= answered.seconds < failed.end_ns
    assert (failed.result, failed.failure) == (None, "gone")
    assert (open_.end_ns, open_.result, open_.hurried) == (NEVER, None, True)


def test_a_refusal_is_an_answer(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "c")
    journal.begin(Request("c", 1, Look()))
    journal.end(Refused("CONFLICT"), 1)
    journal.close()
    assert [call.result for call in calls_in(tmp_path / "c")] == [Refused("CONFLICT")]
