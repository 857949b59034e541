"""The page for people without Python tells the truth: its commands print what it says.

After a change of the API, `REWRITE_TRANSCRIPT=1 pytest tests/e2e/test_transcript.py` puts what the
commands print now into the page.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e.transcript import masked, rewritten, run, steps
from tests.running_server import environment, running_server

PAGE = Path(__file__).parents[2] / "docs" / "without-python.md"
# buf comes with the test dependencies, beside Python.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("tool", ["buf", "grpcurl"])
def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path, tool: str) -> None:
    if shutil.which(tool, path=PATH) is None:
        assert tool != "buf", "buf is missing: it comes with the test dependencies"
        pytest.skip("grpcurl is not on the PATH")
    page = PAGE.read_text()
    found = steps(page, tool="" if tool == "buf" else tool)
    assert len(found) >= 9
    with running_server(tmp_path / "data") as server:
        ours = environment() | {"PATH": PATH, "HOME": str(tmp_path)}
        printed = run(found, server.address, tmp_path, ours)
    if os.environ.get("REWRITE_TRANSCRIPT") and tool == "buf":
        PAGE.write_text(rewritten(page, found, printed))
        found = steps(PAGE.read_text())
    # How a tool words an error is its own affair.
    compared = list(zip(found, printed, strict=True))[: None if tool == "buf" else -1]
    for step, text in compared:
        assert masked(text) == masked(step.output), step.command
