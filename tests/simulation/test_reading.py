import builtins
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alservice.simulation.dataset import Dataset
from alservice.simulation.reading import read_dataset


def test_an_npz_may_have_names_and_a_test_part(tmp_path: Path) -> None:
    path = tmp_path / "some.npz"
    np.savez(path, X=np.eye(3), y=[0, 1, 0], label_names=["a", "b"], is_test=[False, True, False])
    data = read_dataset(path)
    assert (data.name, data.class_names) == ("some", ("a", "b"))
    assert data.is_test is not None and data.is_test.tolist() == [False, True, False]


def test_labels_without_names_name_themselves_and_rows_without_a_label_are_left_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "some.npz"
    np.savez(path, X=np.eye(3), y=["dog", "", "cat"])
    data = read_dataset(path)
    assert data.class_names == ("cat", "dog") and data.classes.tolist() == [1, 0]
    assert len(data.vectors) == 2


def test_a_csv_has_one_column_of_labels_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("a,b,kind\n1,2,x\n3,4,y\n")
    data = read_dataset(path, "kind")
    assert data.vectors.tolist() == [[1, 2], [3, 4]] and data.class_names == ("x", "y")
    with pytest.raises(ValueError, match="no column 'knd'"):
        read_dataset(path, "knd")


def test_parquet_is_read_where_pyarrow_is_and_says_what_to_install_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "some.parquet"
    if importlib.util.find_spec("pyarrow") is not None:
        import pyarrow  # noqa: ICN001, PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        columns: dict[str, Any] = {"a": [1.0, 2.0], "b": [3, 4], "t": ["u", "v"], "label": [0, 1]}
        parquet.write_table(pyarrow.table(columns), path)
        data = read_dataset(path)
        assert data.vectors.tolist() == [[1, 3], [2, 4]] and data.class_names == ("0", "1")
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "pyarrow":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match="pip install pyarrow"):
        read_dataset(path)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"X": np.eye(2)}, "lacks y"),
        ({"X": np.eye(2), "y": [0, 1, 0]}, r"bad.npz: y has shape \(3,\), X \(2, 2\)"),
        ({"X": np.eye(2), "y": [0, 1], "is_test": [True]}, r"is_test has shape \(1,\)"),
        ({"X": [["a"], ["b"]], "y": [0, 1]}, "X must hold numbers"),
        ({"X": np.eye(2), "y": ["a", "b"], "label_names": ["a", "b"]}, "holds positions"),
        ({"X": np.eye(2), "y": ["a", "a"]}, "at least two classes"),
        ({"X": np.full((2, 2), np.nan), "y": ["a", "b"]}, "NaN"),
        ({"X": np.eye(3), "y": [0, 1, 7], "label_names": ["a", "b"]}, "labels must be in"),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    tmp_path: Path, arrays: dict[str, Any], complaint: str
) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=complaint):
        read_dataset(tmp_path / "bad.npz")


@pytest.mark.parametrize("ending", ["npz", "csv", "parquet"])
@pytest.mark.parametrize("junk", [b"", b"\x80\x04junk\xff\n", b"PK\x03\x04 no more"])
def test_junk_is_refused_in_one_line_that_names_the_file(
    tmp_path: Path, ending: str, junk: bytes
) -> None:
    path = tmp_path / f"junk.{ending}"
    path.write_bytes(junk)
    with pytest.raises(ValueError, match=rf"junk.{ending}") as refusal:
        read_dataset(path)
    assert "\n" not in str(refusal.value) and "pickle" not in str(refusal.value)


@pytest.mark.parametrize("name", ["X", "y"])
def test_python_objects_are_refused_without_advice_to_load_them(tmp_path: Path, name: str) -> None:
    path = tmp_path / "objects.npz"
    arrays: dict[str, Any] = {"X": np.eye(2), "y": np.array(["a", "b"])}
    np.savez(path, **(arrays | {name: np.array([{}, None], object)}))
    with pytest.raises(ValueError, match=r"objects.npz cannot be read: .*save vectors") as refusal:
        read_dataset(path)
    assert "pickle" not in str(refusal.value)
    with path.open("wb") as file:
        np.save(file, np.eye(2))
    with pytest.raises(ValueError, match=r"objects.npz is no .npz file"):
        read_dataset(path)


def test_a_csv_is_refused_in_the_words_of_simulate(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("a,kind\n1,x\n3,y\n")
    with pytest.raises(ValueError, match=r"some.csv has no column 'label'.*--label-column"):
        read_dataset(path)
    path.write_text("a,b,label\n1,,x\n3,4,y\n5,6,y\n")
    with pytest.raises(ValueError, match=r"some.csv: column 'b' is empty in row 1") as refusal:
        read_dataset(path)
    assert "_columns" not in str(refusal.value)


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"neither .npz, .csv nor .parquet"):
        read_dataset(tmp_path / "some.xlsx")


def test_the_digest_follows_what_a_replay_sees() -> None:
    names = ("a", "b")
    one = Dataset("one", np.eye(2), np.array([0, 1]), names)
    other = Dataset("other", np.eye(2), np.array([0, 1]), names)
    third = Dataset("one", np.eye(2), np.array([1, 0]), names)
    assert one.digest() == other.digest() != third.digest()
