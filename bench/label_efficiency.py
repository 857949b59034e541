"""Do the strategies save labels? Protocols A, B and C on the public sets, into docs/.

    python bench/label_efficiency.py [--part A] [--seeds 2] [--jobs 2] [--no-peers] [--finished]

Finished games are kept in .label-efficiency/, so that it can be stopped and goes on. The data are
where ALSERVICE_PUBLIC_DATA says, by default ../shared/data/public; a set that is not there is
skipped by name.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alservice.client.progress import bar, is_watched  # noqa: E402
from alservice.simulation.export import per_seed_csv  # noqa: E402
from alservice.simulation.game import Outcome  # noqa: E402
from alservice.simulation.journal import Journal  # noqa: E402
from alservice.simulation.statistics import Summary, summarise  # noqa: E402
from alservice.simulation.words import error_word  # noqa: E402
from bench.label_efficiency_page import Section, whole  # noqa: E402
from bench.label_efficiency_parts import DATA, DEFAULT, Part, parts  # noqa: E402

WORK: Final = ROOT / ".label-efficiency"
PAGE: Final = ROOT / "docs/label-efficiency.md"
TABLE: Final = ROOT / "docs/label-efficiency.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Play what is left, and write the page."""
    asked = _asked(arguments)
    os.chdir(ROOT)  # competitors are named from there
    if not DATA.is_dir():
        print(f"skipped: no data at {DATA}; set ALSERVICE_PUBLIC_DATA")
        return
    sections, outcomes = [], []
    for part in parts(asked):
        got = list(_finished(part) if asked.finished else _played(part, asked.jobs))
        outcomes += [(part, outcome) for outcome in got]
        if got:
            summary = summarise(got, part.area, part.reference)
            sections.append(Section(part.name, part.title, summary))
            _tell(part, summary)
    sections += _joint(outcomes)
    if asked.dry:
        return
    page = whole(sections, DATA / "published", DEFAULT, partial=asked.finished)
    PAGE.write_text(page, encoding="utf-8")
    TABLE.write_text(_csv(outcomes), encoding="utf-8")
    print(f"written: {PAGE}, {TABLE}")


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", action="append", help="A, B, C, audit, own or harder; repeat it")
    parser.add_argument("--set", action="append", help="only sets with this in their name")
    parser.add_argument("--strategy", action="append", help="only these, and the reference")
    parser.add_argument("--seeds", type=int, help="fewer seeds than the page has")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--no-peers", action="store_true", help="leave scikit-activeml out")
    parser.add_argument(
        "--finished", action="store_true", help="play nothing: the page of what was played"
    )
    parser.add_argument("--dry", action="store_true", help="play, print and write no page")
    return parser.parse_args(arguments)


def _played(part: Part, jobs: int) -> Iterator[Outcome]:
    for comparison in part.comparisons:
        games = len(comparison.games())
        title = f"{part.name}: {comparison.sources[0].name}"
        with bar(title, games, shown=is_watched(None)) as report:
            result = comparison.play(WORK / part.name, jobs, report)
        for text in result.failures.values():
            print(f"failed: {text}", file=sys.stderr)
        yield from result.outcomes


def _finished(part: Part) -> Iterator[Outcome]:
    known = Journal(WORK / part.name).read()
    for comparison in part.comparisons:
        yield from (known[g.key()] for g in comparison.games() if g.key() in known)


def _joint(outcomes: Sequence[tuple[Part, Outcome]]) -> Iterator[Section]:
    """Ranks over texts, images and tables at once: everybody, then our own, who played more."""
    played = [outcome for part, outcome in outcomes if part.name in {"C", "C-others"}]
    for title, games in (
        ("every set of C and C-others that everybody has played", played),
        ("the same for our own strategies", [o for o in played if not _is_peer(o.competitor)]),
    ):
        if games:
            yield Section("Ranks", title, summarise(games, "trapezoid", "random"), joint=True)


def _is_peer(competitor: str) -> bool:
    return competitor.startswith("sk ")


def _tell(part: Part, summary: Summary) -> None:
    print(f"\n{part.name}: {part.title}")
    for row in summary.rows:
        gap = (
            ""
            if row.difference is None
            else f"{row.difference:+.4f} ± {error_word(row.difference_error)}"
        )
        print(f"  {row.set_name:36} {row.competitor:22} {row.area:.4f} {gap}")


def _csv(outcomes: Sequence[tuple[Part, Outcome]]) -> str:
    lines: list[str] = []
    for name in dict.fromkeys(part.name for part, _ in outcomes):
        mine = [(part, outcome) for part, outcome in outcomes if part.name == name]
        text = per_seed_csv([outcome for _, outcome in mine], mine[0][0].area)
        head, *rest = text.splitlines()
        lines += ([f"part,{head}"] if not lines else []) + [f"{name},{line}" for line in rest]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
