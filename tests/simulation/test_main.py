"""The child of a Simulate, played in this process."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from alservice.simulation import __main__ as child
from alservice.simulation.comparison import Comparison
from tests.simulation.test_tournament import comparison

BAD = "def bad(*_):\n    raise RuntimeError('no file /secret/place/x.npz')\n"


@pytest.fixture
def fails(tmp_path: Path) -> Comparison:
    """Something fails in it, as one of ours might."""
    (tmp_path / "bad.py").write_text(BAD)
    return comparison(tmp_path, "random", f"{tmp_path}/bad.py:bad")


def test_who_failed_is_told_without_places_and_counts_as_done(
    fails: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_comparison", lambda _: fails)
    pipe = io.StringIO()
    child._play(tmp_path, pipe)
    told = json.loads((tmp_path / "report.json").read_text())
    assert [each["competitor"] for each in told["failures"]] == ["bad"]
    page = (tmp_path / "report.html").read_text()
    assert "bad: it raised RuntimeError: no file …" in page and "secret" not in page
    assert pipe.getvalue().splitlines()[-1].startswith("4 4 ")


def test_without_its_reference_there_is_no_report(
    fails: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_comparison", lambda _: replace(fails, reference="bad"))
    with pytest.raises(child.Unplayable, match="nothing to compare with: bad: it raised"):
        child._play(tmp_path, io.StringIO())
    assert not (tmp_path / "report.json").exists()


def test_a_player_is_a_strategy_of_ours_and_nothing_else() -> None:
    fields = {"label": "margin", "strategy": "margin", "diversify": ""}
    assert child._player(fields).foreign == ""
    for more in ({"foreign": "x.py:f"}, {"stamp": "1"}):
        with pytest.raises(ValueError, match="a player has"):
            child._player(fields | more)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[Errno 28] No space: '/data/scratch/x y.npz'", "[Errno 28] No space: … y.npz'"),
        ("/home/job/small.npz lacks y", "… lacks y"),
        ("labels and/or classes; 3/4 of them", "labels and/or classes; 3/4 of them"),
        ("first\nsecond", "first"),
        ("", "it gives no reason"),
    ],
)
def test_places_of_the_machine_are_not_shown(text: str, shown: str) -> None:
    assert child.without_paths(text, Path("/home/job")) == shown
