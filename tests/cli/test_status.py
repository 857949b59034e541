from pathlib import Path

import numpy as np

import alservice
from tests.cli.conftest import Run, refused


def test_projects_are_shown_with_counts_and_model(run: Run, client: alservice.Client) -> None:
    project = client.create_project("shown", ["a", "b"], strategy="entropy")
    vectors = np.random.default_rng(0).normal(size=(80, 3))
    answers = np.where(vectors[:, 0] > 0, "a", "b")
    project.add_items(vectors, labels=np.where(np.arange(80) < 60, answers, ""))
    project.query(5)
    model = project.train()
    line = next(line for line in run("status").stdout.splitlines() if "shown" in line)
    assert line.split()[:6] == ["shown", "80", "60", "5", "entropy", model.model_id]
    accuracy = model.metric("accuracy", "selected_cv")
    assert accuracy is not None
    interval = f"{accuracy.low:.3f} to {accuracy.high:.3f}"
    assert line.rstrip().endswith(f"{interval}  {accuracy.sample_count}")

    one = run("status", "shown").stdout
    assert "shown: 80 items, 60 labels, 5 leased" in one and "classes: a, b" in one
    assert model.model_id in one and "ready, active" in one and "selected_cv" in one


def test_an_unknown_project_is_one_line(run: Run) -> None:
    told = refused(run("status", "nothing-here"), 1)
    assert "nothing-here" in told and "alservice import FILE --project NAME --create" in told


def test_an_authority_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    assert "ca.pem" in refused(run("status", "--tls-ca", tmp_path / "ca.pem"), 2)


def test_tls_is_spoken_if_that_is_asked_for(run: Run) -> None:
    """To a server that does not: the handshake fails, and no call arrives."""
    assert "no answer" in refused(run("status", "--tls"), 1)


def test_every_command_explains_itself_with_an_example(run: Run) -> None:
    commands = ("status", "import", "export-labels", "demo", "index")
    listed = run("--help").stdout
    for command in commands:
        assert command in listed
        shown = run(command, "--help")
        assert shown.returncode == 0 and f"alservice {command}" in shown.stdout
