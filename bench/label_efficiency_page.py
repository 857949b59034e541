"""docs/label-efficiency.md: the tables, beside what is published."""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from alservice.simulation.statistics import Row, Summary
from alservice.simulation.words import (
    COLUMNS,
    OVERALL,
    counted,
    error_word,
    overall_words,
    row_words,
    share,
    telling,
)

HEAD: Final = """# Does it save labels?

Written by `make label-efficiency`; every seed is in [label-efficiency.csv](label-efficiency.csv).
The judge is separate from the service: a fixed task model is trained on the items that were
chosen and on nothing else, so a better classifier cannot be mistaken for better questions. AUBC is
the area under its test accuracy as the protocol defines it, ± standard error over the seeds;
differences are to the reference, paired by seed; p-values are two-sided and corrected after Holm
within a set; saving is the share of the budget that was not needed for the reference's final
accuracy, from mean curves: it counts from where a curve reaches that accuracy and then stays
there to the end of the budget but for one standard error, and is none (–) where it never does.
A median of savings takes none for 0. Reserve and audit are off unless a section says otherwise.
"""


PARTIAL: Final = """This page holds what was played so far: each set says how many seeds that is.
Fewer than 10 are a hint, no proof. `make label-efficiency` plays the rest: more seeds, more
strategies of ours, and scikit-activeml's.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page; a `joint` one sums up others, whose sets stand there."""

    name: str
    title: str
    summary: Summary
    joint: bool = False


def whole(
    sections: Sequence[Section], published: Path, default: str, *, partial: bool = False
) -> str:
    """The page; `partial`: of what was played so far."""
    parts = [HEAD, f"The default strategy is `{default}`.\n"]
    if partial:
        parts.append(PARTIAL)
    for section in sections:
        parts.append(f"## {section.name}: {section.title}\n")
        if section.name == "A":
            parts.append(_exactness(section.summary, published))
        if section.name.startswith("B"):
            parts.append(_beside(section.summary, published, section.name.partition("-")[2]))
        parts.append(_overall(section.summary, default))
        if not section.joint:
            parts += [_set(section.summary, where) for where in section.summary.set_names]
    return "\n".join(parts)


def _set(summary: Summary, where: str) -> str:
    rows = sorted((r for r in summary.rows if r.set_name == where), key=lambda row: -row.area)
    columns, cells = telling(
        COLUMNS[:-1], [row_words(row, summary.reference)[:-1] for row in rows]
    )
    few, many = min(r.seeds for r in rows), max(r.seeds for r in rows)
    seeds = counted(many, "seed") if few == many else f"{few} to {many} seeds"
    title = f"### {where}\n\n{seeds}, {rows[0].labels} labels.\n\n"
    return title + _table(columns, cells)


def _overall(summary: Summary, default: str) -> str:
    if len(summary.set_names) < 2:
        return ""
    table = _table(OVERALL, [overall_words(each) for each in summary.overall])
    mine = [r for r in summary.rows if r.competitor == default and r.difference is not None]
    worse = [r.set_name for r in mine if _worse(r)]
    text = ""
    if mine:
        gain = np.mean([r.difference for r in mine if r.difference is not None])
        saved = np.median([r.saving or 0.0 for r in mine])
        text = (
            f"`{default}` against {summary.reference}: mean difference {gain:+.4f}, median saving "
            f"{share(float(saved))}, significantly worse (paired t, 5 %, uncorrected) on "
            f"{', '.join(worse) if worse else 'no set'}.\n\n"
        )
    return text + table


def _worse(row: Row) -> bool:
    gap, p = row.difference, row.t_p  # uncorrected: a claim of no harm must not profit from peers
    return gap is not None and p is not None and gap < 0 and p < 0.05


def _exactness(summary: Summary, published: Path) -> str:
    """How far our margin is from the published one, seed by seed."""
    path = published / "rebench_margin_perseed.csv.gz"
    if not path.exists():
        return f"(published per-seed numbers: skipped, {path.name} is not there)\n"
    known = {}
    with gzip.open(path, "rt") as file:
        for line in csv.DictReader(file):
            if line["query_model"] == line["task_model"] == "RBFSVM":
                known[f"zhan_{line['dataset']}", int(line["seed"])] = float(line["aubc"])
    rows = []
    for (where, who), curves in summary.curves.items():
        if who != "margin":
            continue
        pairs = [
            (area, known[where, seed])
            for seed, area in zip(curves.seeds, curves.areas, strict=True)
            if (where, seed) in known
        ]
        if pairs:
            gaps = np.abs([ours - theirs for ours, theirs in pairs])
            means = np.mean(pairs, axis=0)
            exact = f"{np.mean(gaps < 1.05e-5) * 100:.0f} %"
            rows.append([where, f"{means[0]:.5f}", f"{means[1]:.5f}", f"{gaps.max():.1e}", exact])
    columns = ("set", "our margin", "published US-C", "largest gap of a seed", "within 1e-5")
    return f"{_table(columns, rows)}"


def _beside(summary: Summary, published: Path, batch: str) -> str:
    path = published / "skactiveml_alc.csv"
    if not path.exists():
        return f"(published numbers: skipped, {path.name} is not there)\n"
    with path.open() as file:
        lines = [
            line
            for line in csv.DictReader(file)
            if line["dataset"] == "pendigits"
            and line["model"] == "LogisticRegression"
            and line["batch"] == batch
        ]
    rows = [
        [row.competitor, "ours", f"{row.area:.4f} ± {error_word(row.area_error)}"]
        for row in summary.rows
    ]
    for line in lines:
        error = float(line["std"]) / float(line["n"]) ** 0.5
        rows.append([line["strategy"], "published", f"{float(line['mean']):.4f} ± {error:.4f}"])
    rows.sort(key=lambda row: row[2], reverse=True)
    return _table(("strategy", "from", "ALC ± standard error"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)
