"""The documentation names only files that exist."""

import re
from pathlib import Path

import pytest

from alservice import strategies

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
FOLDERS = "alservice|tests|docs|proto|rust_core|bench|usecases|domain|ports|storage|workers|rpc"
PATH = re.compile(rf"`((?:{FOLDERS})/[\w./]+)`")


def exists(page: Path, name: str) -> bool:
    """A path is meant from the root, from the page, or from the package."""
    places = (page.parent, ROOT, ROOT / "alservice")
    return any((place / f"{name}{end}").exists() for place in places for end in ("", ".py"))


def test_there_is_something_to_read() -> None:
    assert len(PAGES) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_path_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = [*LINK.findall(text), *PATH.findall(text)]
    assert [name for name in named if not exists(page, name) and "NAME" not in name] == []


def test_every_strategy_is_explained_in_the_docs_and_no_other() -> None:
    text = (ROOT / "docs" / "strategies.md").read_text()
    table = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = set(re.findall(r"`(\w+)`", "".join(table)))
    assert named == set(strategies.discover())


def test_the_docs_say_which_strategies_diversify() -> None:
    text = (ROOT / "docs" / "strategies.md").read_text()
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `")]
    said = {
        n for names, kind in rows if "diversifies" in kind for n in re.findall(r"`(\w+)`", names)
    }
    known = strategies.discover().values()
    assert said == {s.name for s in known if getattr(s, "diversifies", False)}
