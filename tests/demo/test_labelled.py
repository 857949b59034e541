from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.demo.labelled import TEST_SHARE, digits, labelled_file, split


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60), st.integers(0, 1000))
def test_a_split_takes_its_share_of_each_class(answers: list[str], seed: int) -> None:
    classes = np.array(answers)
    is_test = split(classes, seed)
    for name in np.unique(classes):
        assert is_test[classes == name].sum() == round(TEST_SHARE * (classes == name).sum())
    assert np.array_equal(is_test, split(classes, seed))


def test_splits_differ_by_seed() -> None:
    classes = digits().classes
    assert len(classes) == 1797 and len(np.unique(classes)) == 10
    assert not np.array_equal(split(classes, 0), split(classes, 1))


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,label\n1,u\n2,\n3,v\n")
    data = labelled_file(tmp_path / "d.csv", None, None)
    assert data.vectors.tolist() == [[1], [3]] and data.classes.tolist() == ["u", "v"]


def test_labels_must_fit_the_vectors(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.eye(3))
    np.save(tmp_path / "y.npy", np.arange(2))
    with pytest.raises(ValueError, match="3 vectors, but 2 labels"):
        labelled_file(tmp_path / "v.npy", tmp_path / "y.npy", None)
