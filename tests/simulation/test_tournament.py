import json
from pathlib import Path

import pytest

from alservice.domain.errors import StrategyUnknown
from alservice.simulation.comparison import Comparison, checked, source_of, write
from alservice.simulation.competitor import Competitor, CompetitorFailed
from alservice.simulation.game import Outcome
from alservice.simulation.journal import Journal
from alservice.simulation.protocol import PROTOCOLS, Protocol
from tests.simulation.sets import clouds, save

BAD = "def bad(*_):\n    raise RuntimeError('no idea')\n"


def comparison(folder: Path, *names: str, seeds: int = 2) -> Comparison:
    source = save(clouds(60), folder)
    protocol = Protocol(batch=5, rounds=2)
    return Comparison(
        sources=(source_of(source.path, None, protocol),),
        protocol=protocol,
        competitors=checked([Competitor.parse(name) for name in names]),
        seeds=tuple(range(seeds)),
    )


def quiet(_done: int, _doing: str) -> None:
    """Nobody watches."""


def test_what_is_finished_is_not_played_again_and_a_failure_spoils_nothing_else(
    tmp_path: Path,
) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    asked = comparison(tmp_path, "margin", "random", f"{tmp_path}/bad.py:bad")
    heard: list[int] = []
    result = asked.play(tmp_path / "out", 2, lambda done, _: heard.append(done))
    assert len(result.outcomes) == 4 and result.resumed == 0
    message = "bad: it raised RuntimeError: no idea (bad.py, line 2)"
    assert list(result.failures.values()) == [message]
    assert heard[0] == 0 and heard == sorted(heard)
    assert heard[-1] == 6  # what is given up is over too
    lines = (tmp_path / "out" / "games.jsonl").read_text().splitlines()
    again = comparison(tmp_path, "margin", "random").play(tmp_path / "out", 2, quiet)
    assert again.resumed == 4 and again.outcomes == result.outcomes
    assert (tmp_path / "out" / "games.jsonl").read_text().splitlines() == lines
    summary = write(asked, result, tmp_path / "out")
    assert {row.competitor for row in summary.rows} == {"margin", "random"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<svg" in page and "margin" in page
    assert message in page
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["failures"] == [{"set_name": "clouds", "competitor": "bad", "message": message}]
    assert "http" not in page.replace("http-equiv", "") and "<script" not in page


def test_a_line_that_was_cut_off_is_played_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    first, second = (Outcome(key=k, set_name="s", competitor="c", seed=0) for k in "ab")
    journal.add(first)
    with journal.path.open("a") as file:
        file.write('{"key": "b", "set_na')
    assert list(journal.read()) == ["a"]
    journal.add(second)
    assert journal.read() == {"a": first, "b": second}


def test_a_changed_file_of_a_foreign_strategy_is_another_game(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(BAD)
    before = comparison(tmp_path, f"{tmp_path}/mine.py:bad").games()[0].key()
    (tmp_path / "mine.py").write_text(BAD + "# better\n")
    assert comparison(tmp_path, f"{tmp_path}/mine.py:bad").games()[0].key() != before


def test_sets_with_too_few_rows_are_refused_by_number(tmp_path: Path) -> None:
    path = tmp_path / "tiny.csv"
    path.write_text("a,label\n1,x\n2,y\n")
    with pytest.raises(ValueError, match="2 rows are too few: 2 to choose from and 0 to judge by"):
        source_of(path, None, Protocol())
    with pytest.raises(ValueError, match="2 rows are too few to hold out"):
        source_of(path, None, PROTOCOLS["B"])
    source = save(clouds(30), tmp_path)
    with pytest.raises(ValueError, match=r"18 to choose from .* at least 22"):
        source_of(source.path, None, PROTOCOLS["A"])
    with pytest.raises(ValueError, match="a budget of 5 leaves nothing"):
        source_of(source.path, None, Protocol(drawn=5, budget=5))


def test_misspelt_names_are_refused_before_anything_runs() -> None:
    with pytest.raises(StrategyUnknown, match="mrgin"):
        checked([Competitor.parse("mrgin")])
    with pytest.raises(ValueError, match="the same name"):
        checked([Competitor.parse("margin"), Competitor.parse("margin=entropy")])
    with pytest.raises(CompetitorFailed, match="cannot load"):
        checked([Competitor.parse("nowhere.py:f")])
