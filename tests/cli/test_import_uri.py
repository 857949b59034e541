from pathlib import Path

import numpy as np

import alservice
from tests.cli.conftest import Run, refused


def test_a_file_is_imported_by_the_server(run: Run, client: alservice.Client, inbox: Path) -> None:
    client.create_project("by-uri", ["a", "b"])
    np.savez(inbox / "cli.npz", p=np.ones((6, 2)), key=np.arange(6), y=np.array(["a"] * 6))
    words = ("--project", "by-uri", "--vector-columns", "p", "--id-column", "key")
    done = run("import-uri", inbox / "cli.npz", *words)
    assert done.stdout == "by-uri: 6 items added, 6 labels\n", done.stderr
    again = run("import-uri", inbox / "cli.npz", *words, "--on-conflict", "skip", "--no-wait")
    assert again.stdout.startswith("projects/by-uri/operations/")


def test_a_file_elsewhere_is_one_line(run: Run, client: alservice.Client) -> None:
    client.create_project("by-wrong-uri", ["a", "b"])
    told = refused(run("import-uri", "/etc/passwd", "--project", "by-wrong-uri"), 1)
    assert "--import-roots" in told
