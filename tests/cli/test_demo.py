import re
from pathlib import Path

import numpy as np

from tests.cli.conftest import Run, refused

VERDICT = re.compile(
    r"demo: auto reached random's final accuracy \(0\.\d{3}\) "
    r"with \d+ of 60 labels, \d+ % saved"
    r"|demo: auto did not reach random's final accuracy \(0\.\d{3}\) "
    r"with 60 labels: it ended at 0\.\d{3}"
)
PNG = b"\x89PNG\r\n\x1a\n"


def test_the_demo_ends_with_a_table_a_picture_and_a_verdict(run: Run, tmp_path: Path) -> None:
    done = run("demo", "--seeds", 1, "--budget", 60, "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    *_, third, second, told, verdict = done.stdout.splitlines()
    assert VERDICT.fullmatch(verdict)
    assert str(tmp_path / "demo.png") in told
    assert second.split()[0] == "60" and third.split()[0] == "40"
    assert (tmp_path / "demo.png").read_bytes().startswith(PNG)
    rows = (tmp_path / "demo.csv").read_text().splitlines()
    assert [row.rsplit(",", 1)[0] for row in rows[1:]] == [
        f"{strategy},0,{count}" for strategy in ("auto", "random") for count in (20, 40, 60)
    ]


def test_the_demo_runs_on_a_file_of_ones_own(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 2, 200)
    vectors = rng.normal(size=(200, 5)) + 4 * answers[:, None]
    np.savez(tmp_path / "mine.npz", X=vectors, y=answers)
    flags = ("--seeds", 1, "--budget", 20, "--batch-size", 10, "--strategy", "entropy")
    done = run("demo", "--data", tmp_path / "mine.npz", "--output", tmp_path, *flags)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("200 mine.npz, 1 seed: entropy against random")
    assert done.stdout.splitlines()[-1].startswith("demo: entropy ")


def test_what_cannot_be_played_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.eye(50))
    np.save(tmp_path / "y.npy", np.arange(50) % 2)
    np.save(tmp_path / "one.npy", np.zeros(50, int))
    flags = ("demo", "--data", tmp_path / "v.npy", "--output", tmp_path)
    assert "has no labels" in refused(run(*flags), 2)
    assert "fewer than two classes" in refused(run(*flags, "--labels", tmp_path / "one.npy"), 2)
    assert "--batch-size" in refused(run(*flags, "--labels", tmp_path / "y.npy"), 2)
    assert "random is the control" in refused(run("demo", "--strategy", "random"), 2)
    assert "margin" in refused(run("demo", "--strategy", "margn", "--output", tmp_path), 1)
