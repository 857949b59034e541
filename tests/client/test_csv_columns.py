from pathlib import Path

import pytest

from alservice.client import read_items


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["1", "2", "", "4"], "column 'a' is empty in row 3, 3 others are numbers"),
        (["1", "n/a", "3", "?"], None),
        (["1", "n/a", "3"], "column 'a' is 'n/a' in row 2, 2 others are numbers"),
        (["1", "", "", ""], "column 'a' is empty in row 2, 1 others are numbers"),
        (["1", "two", "three"], None),
    ],
)
def test_a_column_that_may_be_numbers_is_never_taken_for_content(
    tmp_path: Path, cells: list[str], told: str | None
) -> None:
    rows = "".join(f"{row},{cell}\n" for row, cell in enumerate(cells))
    (tmp_path / "v.csv").write_text(f"id,a\n{rows}")
    if told is None:
        assert read_items(tmp_path / "v.csv").vectors is None
        return
    with pytest.raises(ValueError, match=r"vector_columns.*content_columns") as failed:
        read_items(tmp_path / "v.csv")
    assert told in str(failed.value)
    items = read_items(tmp_path / "v.csv", content_columns=["a"])
    assert items.vectors is None and items.contents is not None
    with pytest.raises(ValueError, match=r"row [23], not a number"):
        read_items(tmp_path / "v.csv", vector_columns=["a"])


def test_what_is_said_of_columns_holds(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("id,a,year,b,text\nx,1,1999,3,t\ny,4,2000,6,u\n")
    one = read_items(tmp_path / "v.csv", content_columns=["year"])
    assert "vectors from a, b; content from year, text" in one.told
    two = read_items(tmp_path / "v.csv", vector_columns=["b", "a"])
    assert two.vectors is not None and two.vectors.tolist() == [[3, 1], [6, 4]]
    assert two.told.endswith("content from year, text")
    both = read_items(tmp_path / "v.csv", vector_columns=["a"], content_columns=["text"])
    assert both.told.endswith("vectors from a; content from text; left out: year, b")


def test_columns_that_cannot_be_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("id,year,text\nx,1,t\n")
    with pytest.raises(ValueError, match="did you mean 'year'"):
        read_items(tmp_path / "v.csv", content_columns=["yaer"])
    with pytest.raises(ValueError, match="more than once"):
        read_items(tmp_path / "v.csv", vector_columns=["year"], content_columns=["year"])
    with pytest.raises(ValueError, match=r"is no \.csv"):
        read_items(tmp_path / "v.npy", vector_columns=["year"])
