"""What `make label-efficiency` plays: the chapters of the page, their sets and who takes part."""

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from alservice import strategies
from alservice.domain.project import Policy
from alservice.simulation.comparison import Comparison, checked, source_of
from alservice.simulation.competitor import Competitor
from alservice.simulation.dataset import Variant
from alservice.simulation.game import Options
from alservice.simulation.protocol import PROTOCOLS, JudgeSpec, Protocol
from bench.competitors import PEERS

ROOT: Final = Path(__file__).resolve().parents[1]
DATA: Final = Path(os.environ.get("ALSERVICE_PUBLIC_DATA", ROOT.parent / "shared/data/public"))
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
# All but `cost_ratio`: without costs it asks as `margin` does.
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
    "auto_ensemble",
    "bait",
    "galaxy",
    "information_density",
    "k_means",
    "k_means_plus_plus",
    "max_det",
    "multi_criteria",
    "pareto",
    "power",
    "ranked_batch",
    "seals",
    "softmax",
    "softrank",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A chapter: comparisons that are summarised together."""

    name: str
    title: str
    area: str
    reference: str
    comparisons: tuple[Comparison, ...]


def parts(asked: argparse.Namespace) -> list[Part]:
    """The chapters that were asked for."""
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
