"""The learning curves as a small table for people and as a CSV file for programs."""

import csv
from pathlib import Path
from typing import Final

import numpy as np
from rich.table import Table

from alservice.demo.comparison import Arm, Comparison

SHOWN_ROWS: Final = 10


def table(comparison: Comparison) -> Table:
    """Some points of the curves: mean ± standard deviation over the seeds."""
    shown = Table(box=None, pad_edge=False)
    arms = (comparison.arm, comparison.control)
    for column in ("labels", *(arm.strategy for arm in arms), "difference"):
        shown.add_column(column, justify="right")
    rounds = len(comparison.label_counts)
    rows = np.unique(np.linspace(0, rounds - 1, min(rounds, SHOWN_ROWS)).round().astype(int))
    for row in rows:
        difference = comparison.arm.mean[row] - comparison.control.mean[row]
        cells = [_cell(arm, int(row)) for arm in arms]
        shown.add_row(f"{comparison.label_counts[row]}", *cells, f"{difference:+.3f}")
    return shown


def write_csv(comparison: Comparison, path: Path) -> None:
    """Every point of every seed: strategy, seed, labels, accuracy."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["strategy", "seed", "labels", "accuracy"])
        for arm in (comparison.arm, comparison.control):
            for seed, accuracies in enumerate(arm.accuracies):
                for count, accuracy in zip(comparison.label_counts, accuracies, strict=True):
                    writer.writerow([arm.strategy, seed, count, f"{accuracy:.6f}"])


def _cell(arm: Arm, row: int) -> str:
    mean, deviation = arm.mean[row], arm.deviation[row]
    if np.isnan(mean):
        return "no model yet"
    return f"{mean:.3f} ± {deviation:.3f}" if len(arm.accuracies) > 1 else f"{mean:.3f}"
