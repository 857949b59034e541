"""What a user's own program sees: names, types, and nothing that is loaded without need."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from alservice import client
from alservice.api.v1 import (
    model_pb2,
)
from alservice.client.model import model_of

ROOT = Path(__file__).parents[2]
PROGRAM = """
from typing import assert_type
import numpy as np
from numpy.typing import NDArray
import alservice
from alservice.client import Batch, Model, Project, Training

X = np.zeros((3, 2))
client = alservice.Client()
project = client.create_project("reviews", classes=["good", "bad"])
project.add_items(X, labels=np.array([1, 2, 3]), roles="test")
batch = project.query(20)
assert_type(project, Project)
assert_type(batch, Batch)
assert_type(batch.ids, list[str])
assert_type(batch.scores, NDArray[np.float32])
assert_type(project.submit_labels(batch.ids, ["good"]), list[str])
assert_type(project.train(), Model)
assert_type(project.train(wait=False), Training)
"""


def test_a_strictly_typed_program_checks(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--strict", str(tmp_path / "program.py")]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_server_does_not_load_the_client_nor_the_client_the_server() -> None:
    program = (
        "import sys, alservice; loaded = 'alservice.client' in sys.modules; alservice.Client;"
        "heavy = {'sklearn', 'sqlalchemy', 'faiss', 'rich', 'alservice.core'} & set(sys.modules);"
        "sys.exit(loaded or bool(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_public_name_exists_and_has_a_docstring() -> None:
    assert len(client.__all__) > 8
    assert [name for name in client.__all__ if not getattr(client, name).__doc__] == []


def test_what_is_printed_is_short() -> None:
    metric = client.Metric("accuracy", "test", 0.9534, 0.94, 0.96, 540)
    told = "Metric(accuracy on test: 0.953, 95 % 0.94 to 0.96, n=540)"
    assert str(metric) == repr(metric) == told
    model = model_of(
        model_pb2.Model(
            name="projects/p/models/m1", state=model_pb2.MODEL_STATE_READY, label_count=60
        )
    )
    assert str(replace(model, metrics=[metric])) == f"Model(m1: ready, 60 labels, {told})"
