from pathlib import Path

import numpy as np
import pytest

from alservice.client import read_items

CSV = "id,a,text,label,b\nx,1,hello,good,2.5\ny,3,,bad,-4\n"


def test_npy_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.eye(3, dtype=np.float16))
    items = read_items(tmp_path / "v.npy")
    assert isinstance(items.vectors, np.memmap) and items.vectors.tolist() == np.eye(3).tolist()
    assert items.ids is None and items.labels is None


def test_npz_holds_vectors_labels_and_ids(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", X=np.eye(2), y=np.array([0, 1]), ids=np.array(["x", "y"]))
    items = read_items(tmp_path / "v.npz")
    assert items.vectors is not None and items.vectors.shape == (2, 2)
    assert items.ids is not None and list(items.ids) == ["x", "y"]
    assert items.labels is not None and list(items.labels) == [0, 1]


def test_csv_is_split_into_ids_numbers_labels_and_content(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text(CSV, encoding="utf-8-sig")
    items = read_items(tmp_path / "v.csv")
    assert items.vectors is not None and items.vectors.tolist() == [[1, 2.5], [3, -4]]
    assert items.ids == ("x", "y") and items.labels == ("good", "bad")
    assert items.contents is not None
    assert [[part.text for part in parts] for parts in items.contents] == [["hello"], []]
    assert items.told == "ids from id; labels from label; vectors from a, b; content from text"


def test_a_csv_without_ids_takes_row_numbers_if_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("a,sort\n1,u\n2,v\n")
    assert read_items(tmp_path / "v.csv", None, "sort").ids is None
    with pytest.raises(ValueError, match="no column 'id'; it has a, sort"):
        read_items(tmp_path / "v.csv")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("v.csv", "", "it is empty"),
        ("v.csv", "id,a\n", "a header but no rows"),
        ("v.csv", "id,a\nx,1\ny\n", "row 2 has 1 cells, the header 2"),
        ("v.csv", 'id,a\nx,"1\n', "cannot be read"),
        ("v.csv", "idd,a\nx,1\n", "did you mean 'idd'"),
        ("v.npy", "rubbish", "cannot be read"),
        ("v.npz", "rubbish", "cannot be read"),
        ("v.parquet", "", "neither .npy, .npz nor .csv"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_file(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=told) as failed:
        read_items(tmp_path / name)
    assert name in str(failed.value)


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", X=np.eye(2), y=np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(ValueError, match="save vectors as float32"):
        read_items(tmp_path / "v.npz")


def test_an_archive_without_vectors_says_what_it_holds(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", data=np.eye(2))
    with pytest.raises(ValueError, match="needs an array X of vectors; it holds data"):
        read_items(tmp_path / "v.npz")
