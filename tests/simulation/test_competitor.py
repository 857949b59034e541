import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from alservice.simulation.competitor import (
    Board,
    Competitor,
    CompetitorFailed,
    choose,
    foreign_stamp,
    load,
)

BOARD = Board(
    vectors=np.zeros((10, 2)),
    labelled=np.array([3, 4]),
    classes=np.array([0, 1]),
    class_count=2,
    probabilities=None,
    model=None,
)


def test_competitors_are_read_from_words() -> None:
    assert Competitor.parse("margin") == Competitor(label="margin", strategy="margin")
    both = Competitor.parse("entropy+power:beta=2,gamma=0.5")
    assert (both.strategy, both.diversify) == ("entropy", "power")
    assert both.parameters == {"beta": 2.0, "gamma": 0.5}
    assert Competitor.parse("mine=margin").label == "mine"
    file = Competitor.parse("folder/mine.py:choose")
    assert (file.label, file.foreign) == ("choose", "folder/mine.py:choose")


def test_a_parameter_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="name=number"):
        Competitor.parse("margin:much")


def well_behaved(*_: object) -> list[int]:
    return [0, 1]


def test_a_function_at_the_top_of_a_module_competes() -> None:
    mine = Competitor.of(well_behaved)
    assert mine.label == "well_behaved"
    assert load(mine.foreign).__name__ == "well_behaved"
    with pytest.raises(ValueError, match="top of a module"):
        Competitor.of(lambda *_: [0])


def test_a_file_that_is_missing_or_broken_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('no luck')")
    for place in (f"{tmp_path}/none.py:f", f"{broken}:f", "no.such.module:f"):
        with pytest.raises(CompetitorFailed, match="cannot load"):
            load(place)
    with pytest.raises(CompetitorFailed, match=r"no luck \(broken.py, line 1\)"):
        load(f"{broken}:f")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (":chose", r"mine.py:chose: .*mine.py has no function 'chose'"),
        (":number", r"mine.py:number: number is no function but of type int"),
        ("", r"mine.py does not name a function: file.py:function"),
        (":", r"mine.py: does not name a function"),
    ],
)
def test_what_is_no_function_is_named_with_its_file(
    tmp_path: Path, name: str, complaint: str
) -> None:
    (tmp_path / "mine.py").write_text("number = 3\n")
    with pytest.raises(CompetitorFailed, match=complaint):
        load(Competitor.parse(f"{tmp_path}/mine.py{name}").foreign)


def test_a_stamp_is_that_of_the_file_however_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def f(): ...\n")
    known = hashlib.sha256(b"def f(): ...\n").hexdigest()[:12]  # journals hold it
    assert foreign_stamp(f"{tmp_path}/mine.py:f") == known
    here = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    assert foreign_stamp(f"{__name__}:well_behaved") == here
    assert foreign_stamp("sys:exit") == foreign_stamp(f"{tmp_path}/none.py:f") == ""


def test_it_is_shown_the_board_and_more_by_name() -> None:
    def curious(
        _vectors: object,
        labelled: object,
        _classes: object,
        count: int,
        proba: object,
        rng: np.random.Generator,
        class_count: int,
    ) -> list[int]:
        assert class_count == 2 and proba is None and labelled is not BOARD.labelled
        return [int(rng.integers(3)) for _ in range(count)]

    first = choose(curious, BOARD, 1, seed=5)
    assert first.tolist() == choose(curious, BOARD, 1, seed=5).tolist()


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ([0, 0], "a row twice"),
        ([0, 10], "outside of"),
        ([0, -1], "outside of"),
        ([0, 3], "labelled already"),
        ([0], "1 rows instead of 2"),
        ([0.5, 1.5], "not indices"),
        ([[0], [1]], "not indices"),
        (None, "not indices"),
    ],
)
def test_a_promise_that_is_broken_is_named(answer: object, complaint: str) -> None:
    with pytest.raises(CompetitorFailed, match=complaint):
        choose(lambda *_: answer, BOARD, 2, seed=0)


def test_an_exception_becomes_one_line() -> None:
    def careless(*_: object) -> None:
        raise ZeroDivisionError("first\nsecond")

    with pytest.raises(
        CompetitorFailed, match=r"raised ZeroDivisionError: first \(test_c\S+, line \d+\)$"
    ):
        choose(careless, BOARD, 2, seed=0)


def test_a_function_that_ends_the_program_ends_itself_only() -> None:
    def done(*_: object) -> None:
        sys.exit(3)

    with pytest.raises(CompetitorFailed, match="it raised SystemExit: 3"):
        choose(done, BOARD, 2, seed=0)


def test_what_a_function_prints_is_not_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loud.py").write_text(
        "print('loading')\ndef f(*_):\n    print('choosing')\n    return [0, 1]\n"
    )
    assert choose(load(f"{tmp_path}/loud.py:f"), BOARD, 2, seed=0).tolist() == [0, 1]
    said = capsys.readouterr()
    assert said.out == "" and said.err == "loading\nchoosing\n"
