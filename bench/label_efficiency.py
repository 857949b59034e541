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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alservice import strategies  # noqa: E402 (after the path is set)
from alservice.client.progress import bar, is_watched  # noqa: E402
from alservice.domain.project import Policy  # noqa: E402
from alservice.simulation.comparison import Comparison, checked, source_of  # noqa: E402
from alservice.simulation.competitor import Competitor  # noqa: E402
from alservice.simulation.dataset import Variant  # noqa: E402
from alservice.simulation.export import per_seed_csv  # noqa: E402
from alservice.simulation.game import Options, Outcome  # noqa: E402
from alservice.simulation.journal import Journal  # noqa: E402
from alservice.simulation.protocol import PROTOCOLS, JudgeSpec, Protocol  # noqa: E402
from alservice.simulation.statistics import Summary, summarise  # noqa: E402
from alservice.simulation.words import error_word  # noqa: E402
from bench.competitors import PEERS  # noqa: E402
from bench.label_efficiency_page import Section, whole  # noqa: E402

DATA: Final = Path(os.environ.get("ALSERVICE_PUBLIC_DATA", ROOT.parent / "shared/data/public"))
WORK: Final = ROOT / ".label-efficiency"
PAGE: Final = ROOT / "docs/label-efficiency.md"
TABLE: Final = ROOT / "docs/label-efficiency.csv"
DEFAULT: Final = Policy().strategy
UNIFORM: Final = "Uniform=bench/competitors.py:in_order"

SMALL: Final = (
    "sonar",
    "parkinsons",
    "appendicitis",
    "ex8b",
    "breast",
    "australian",
    "diabetes",
    "clean1",
    "gcloudb",
)
# Set: batch, budget.
TEXTS: Final = {
    "trec6": (12, 252),
    "agnews_test": (8, 200),
    "banking77": (77, 1155),
    "sst2": (8, 200),
    "sms_spam": (10, 150),
}
OTHERS: Final = (
    "image/digits8x8",
    "image/mnist_t10k",
    "image/cifar10_train5k_effnetlite0",
    "tabular/keel_satimage",
    "tabular/keel_segment",
    "tabular/keel_vowel",
    "tabular/zhan_vehicle",
)
OURS: Final = (
    "random",
    "margin",
    "entropy",
    "least_confidence",
    "k_center",
    "typiclust",
    "badge",
    "max_herding",
    "prob_cover",
    "facility_location",
    "weighted_k_means",
    "cluster_margin",
    "drop_query",
    "tcm",
    "uncertainty_herding",
    "auto",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A chapter: comparisons that are summarised together."""

    name: str
    title: str
    area: str
    reference: str
    comparisons: tuple[Comparison, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """Play what is left, and write the page."""
    asked = _asked(arguments)
    os.chdir(ROOT)  # competitors are named from there
    if not DATA.is_dir():
        print(f"skipped: no data at {DATA}; set ALSERVICE_PUBLIC_DATA")
        return
    sections, outcomes = [], []
    for part in _parts(asked):
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


def _parts(asked: argparse.Namespace) -> list[Part]:
    made = [
        _part_a(asked),
        *(_part_b(asked, batch) for batch in (10, 50)),
        _part_c(asked, "C", "embeddings, a person's budget", _everybody(asked), {}),
        _others(asked),
        _part_c(
            asked, "audit", "C with reserve and audit on", ["random", DEFAULT], {"audit": True}
        ),
        _part_c(
            asked,
            "own",
            "C, queried with and measured by the service's own model",
            ["random", "margin", DEFAULT],
            {"model": "service"},
        ),
        _harder(asked),
    ]
    wanted = [part for part in made if not asked.part or part.name.split("-")[0] in asked.part]
    return [part for part in wanted if part.comparisons]


def _part_a(asked: argparse.Namespace) -> Part:
    names = [UNIFORM, "random", "margin", DEFAULT]
    paths = [f"tabular/zhan_{name}" for name in SMALL]
    made = _comparisons(asked, paths, PROTOCOLS["A"], names, 100, reference="Uniform")
    return Part("A", "binary sets, one query at a time", "rebench", "Uniform", tuple(made))


def _part_b(asked: argparse.Namespace, batch: int) -> Part:
    protocol = replace(PROTOCOLS["B"], batch=batch)
    names = ["random", "margin", "typiclust", DEFAULT]
    made = _comparisons(asked, ["tabular/pendigits"], protocol, names, 10)
    title = f"pendigits from zero labels, 60 batches of {batch}"
    return Part(f"B-{batch}", title, "mean", "random", tuple(made))


def _part_c(
    asked: argparse.Namespace,
    name: str,
    title: str,
    names: list[str],
    options: dict[str, object],
    variants: Sequence[Variant] = (Variant(),),
) -> Part:
    made = [
        replace(comparison, options=Options(**options), variant=variant)  # type: ignore[arg-type]
        for variant in variants
        for text, (batch, budget) in TEXTS.items()
        for comparison in _comparisons(
            asked,
            [f"text/{text}"],
            replace(PROTOCOLS["C"], batch=batch, budget=budget),
            names,
            10,
        )
    ]
    return Part(name, title, "trapezoid", "random", tuple(made))


def _harder(asked: argparse.Namespace) -> Part:
    variants = (Variant(flip=0.1), Variant(duplicate=0.3), Variant(zipf=True))
    title = "harder variants of C: wrong answers, duplicates, rare classes"
    return _part_c(asked, "harder", title, ["random", DEFAULT], {}, variants)


def _others(asked: argparse.Namespace) -> Part:
    """Images and tables of many classes, standardised, with a logistic judge."""
    protocol = Protocol(name="C", split="free", standardise=True, judge=JudgeSpec(C=1.0))
    made = _comparisons(asked, list(OTHERS), protocol, _everybody(asked), 10)
    return Part("C-others", "images and tables as C", "trapezoid", "random", tuple(made))


def _everybody(asked: argparse.Namespace) -> list[str]:
    known = strategies.discover()
    ours = [name for name in dict.fromkeys([*OURS, DEFAULT]) if name in known]
    peers = [] if asked.no_peers else [f"sk {p}=bench/competitors.py:{p}" for p in PEERS]
    return [*ours, *peers]


def _comparisons(
    asked: argparse.Namespace,
    paths: Sequence[str],
    protocol: Protocol,
    names: Sequence[str],
    seeds: int,
    reference: str = "random",
) -> Iterator[Comparison]:
    """One per set, so that what is there early is whole."""
    players = checked([Competitor.parse(name) for name in dict.fromkeys(names)])
    if asked.strategy:
        players = tuple(p for p in players if p.label in {*asked.strategy, reference})
    for path in paths:
        file = DATA / f"{path}.npz"
        if asked.set and not any(text in path for text in asked.set):
            continue
        if not file.exists():
            print(f"skipped: {file.stem} is not at {file}")
            continue
        yield Comparison(
            sources=(source_of(file, None, protocol),),
            protocol=protocol,
            competitors=players,
            seeds=tuple(range(asked.seeds or seeds)),
            reference=reference,
        )


if __name__ == "__main__":
    main()
