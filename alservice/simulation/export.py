"""The comparison as JSON for programs, and every seed as CSV."""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from alservice.simulation.curve import AREAS
from alservice.simulation.game import Outcome
from alservice.simulation.statistics import Summary


def as_json(summary: Summary, title: str) -> str:
    """Rows, ranks, wins, mean curves and who failed; NaN becomes null."""
    return json.dumps(
        {
            "title": title,
            "reference": summary.reference,
            "competitors": summary.competitors,
            "rows": [_plain(asdict(row)) for row in summary.rows],
            "overall": [_plain(asdict(each)) for each in summary.overall],
            "wins": summary.wins,
            "skipped": summary.skipped,
            "failures": [
                {"set_name": where, "competitor": who, "message": text}
                for (where, who), text in summary.failures.items()
            ],
            "curves": [
                {
                    "set_name": where,
                    "competitor": who,
                    "seeds": curves.seeds,
                    "label_counts": curves.label_counts.tolist(),
                    "mean": curves.mean.round(6).tolist(),
                    "half_width": curves.half_width.round(6).tolist()
                    if len(curves.seeds) > 1
                    else None,
                }
                for (where, who), curves in summary.curves.items()
            ],
        },
        indent=1,
        allow_nan=False,
    )


def per_seed_csv(outcomes: Sequence[Outcome], area: str) -> str:
    """One line per game: set, competitor, seed, labels, area, final accuracy."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "competitor", "seed", "labels", "aubc", "final", "own_mean"])
    for each in sorted(outcomes, key=lambda o: (o.set_name, o.competitor, o.seed)):
        if each.skipped:
            continue
        counts, curve = np.array(each.label_counts), np.array(each.accuracies)
        own = f"{np.mean(each.own):.6f}" if each.own else ""
        writer.writerow(
            [
                each.set_name,
                each.competitor,
                each.seed,
                each.label_counts[-1],
                f"{AREAS[area](counts, curve):.6f}",
                f"{curve[-1]:.6f}",
                own,
            ]
        )
    return text.getvalue()


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }
