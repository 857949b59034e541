"""What outcomes say: areas, paired tests against a reference, wins, ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alservice.simulation.curve import data_utilisation, saving
from alservice.simulation.curves import Curves, curves_of
from alservice.simulation.game import Outcome
from alservice.simulation.paired import holm, paired, standard_error

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One competitor on one set; what compares is None for the reference itself.

    `difference` is that of areas, paired by seed; `t_p` and `wilcoxon_p` are two-sided, the
    `holm` ones corrected over the competitors of the set. Of a single seed there are no errors
    and no p-values.
    """

    set_name: str
    competitor: str
    seeds: int
    labels: int
    area: float
    area_error: float | None
    final: float
    own_area: float | None = None
    own_final: float | None = None
    difference: float | None = None
    difference_error: float | None = None
    t_p: float | None = None
    t_holm: float | None = None
    wilcoxon_p: float | None = None
    wilcoxon_holm: float | None = None
    saving: float | None = None
    data_utilisation: float | None = None
    ms_per_batch: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """One competitor over all sets of which every competitor has played the same seeds.

    Ranks count those seeds only, so that nobody profits from an easy draw.
    """

    competitor: str
    sets: int
    mean_rank: float
    mean_difference: float | None
    median_saving: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Everything that is reported; `wins[i][j]`: how often competitor i beats j.

    `failures`: a line per set and competitor that did not play to the end, or at all.
    """

    reference: str
    competitors: tuple[str, ...]
    rows: tuple[Row, ...]
    overall: tuple[Overall, ...]
    wins: tuple[tuple[float | None, ...], ...]
    curves: Mapping[tuple[str, str], Curves] = field(repr=False)
    skipped: int = 0
    failures: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def thinned(self, most: int) -> "Summary":
        """The same numbers, and curves of at most so many points."""
        curves = {place: each.thinned(most) for place, each in self.curves.items()}
        return replace(self, curves=curves)

    @property
    def set_names(self) -> tuple[str, ...]:
        """The sets, in the order of the rows."""
        return tuple(dict.fromkeys(row.set_name for row in self.rows))


def summarise(
    outcomes: Sequence[Outcome],
    area: str,
    reference: str,
    failures: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> Summary:
    """The whole comparison. `area` is a key of AREAS; an absent `reference` compares nothing."""
    played = [outcome for outcome in outcomes if not outcome.skipped]
    names = tuple(dict.fromkeys(outcome.competitor for outcome in played))
    sets = tuple(dict.fromkeys(outcome.set_name for outcome in played))
    curves = {
        (where, who): made
        for where in sets
        for who in names
        if (made := curves_of(played, where, who, area)) is not None
    }
    rows = tuple(row for where in sets for row in _rows(curves, where, names, reference))
    return Summary(
        reference=reference,
        competitors=names,
        rows=rows,
        overall=_overall(curves, rows, names, sets),
        wins=_wins(curves, names, sets),
        curves=curves,
        skipped=len(outcomes) - len(played),
        failures=failures,
    )


def _rows(
    curves: Mapping[tuple[str, str], Curves], where: str, names: Sequence[str], reference: str
) -> list[Row]:
    usual = curves.get((where, reference))
    found = {who: curves[where, who] for who in names if (where, who) in curves}
    tests = {
        who: paired(*_common(mine, usual))
        for who, mine in found.items()
        if usual is not None and who != reference and set(mine.seeds) & set(usual.seeds)
    }
    t_holm = holm([test.t_p for test in tests.values()])
    w_holm = holm([test.wilcoxon_p for test in tests.values()])
    corrected = dict(zip(tests, zip(t_holm, w_holm, strict=True), strict=True))
    rows = []
    for who, mine in found.items():
        more: dict[str, Any] = {}
        if who in tests and usual is not None:
            test = tests[who]
            more = {
                "difference": test.difference,
                "difference_error": test.error,
                "t_p": test.t_p,
                "wilcoxon_p": test.wilcoxon_p,
                "t_holm": corrected[who][0],
                "wilcoxon_holm": corrected[who][1],
                **_savings(mine, usual),
            }
        rows.append(_row(where, who, mine, more))
    return rows


def _row(where: str, who: str, mine: Curves, more: Mapping[str, Any]) -> Row:
    return Row(
        set_name=where,
        competitor=who,
        seeds=len(mine.seeds),
        labels=int(mine.label_counts[-1]),
        area=float(mine.areas.mean()),
        area_error=standard_error(mine.areas),
        final=float(mine.mean[-1]),
        own_area=float(mine.own.mean()) if mine.own.size else None,
        own_final=float(mine.own[:, -1].mean()) if mine.own.size else None,
        ms_per_batch=1000 * mine.seconds,
        **more,
    )


def _savings(mine: Curves, usual: Curves) -> dict[str, float | None]:
    length = min(len(mine.label_counts), len(usual.label_counts))
    own, other = mine.until(length), usual.until(length)
    return {"saving": saving(own, other), "data_utilisation": data_utilisation(own, other)}


def _common(mine: Curves, other: Curves) -> tuple[F64, F64]:
    """The areas of both for the seeds that both have."""
    seeds = sorted(set(mine.seeds) & set(other.seeds))
    return tuple(  # type: ignore[return-value]
        np.array([curves.areas[curves.seeds.index(seed)] for seed in seeds])
        for curves in (mine, other)
    )


def _wins(
    curves: Mapping[tuple[str, str], Curves], names: Sequence[str], sets: Sequence[str]
) -> tuple[tuple[float | None, ...], ...]:
    return tuple(
        tuple(None if a == b else _win_share(curves, a, b, sets) for b in names) for a in names
    )


def _win_share(
    curves: Mapping[tuple[str, str], Curves], a: str, b: str, sets: Sequence[str]
) -> float | None:
    """The share of (set, seed) where a's area is above b's; a tie is half a win."""
    won = []
    for where in sets:
        if (where, a) in curves and (where, b) in curves:
            mine, other = _common(curves[where, a], curves[where, b])
            won += [(mine > other) + 0.5 * (mine == other)]
    return float(np.concatenate(won).mean()) if won and sum(map(len, won)) else None


def _shared_areas(
    curves: Mapping[tuple[str, str], Curves], where: str, names: Sequence[str]
) -> list[float]:
    """Each competitor's mean area over the seeds that all have played; none if there is none."""
    mine = [curves[where, who] for who in names if (where, who) in curves]
    if len(mine) < len(names):
        return []
    shared = set.intersection(*(set(each.seeds) for each in mine))
    chosen = [np.isin(each.seeds, sorted(shared)) for each in mine]
    pairs = zip(mine, chosen, strict=True)
    return [float(each.areas[seeds].mean()) for each, seeds in pairs] if shared else []


def _overall(
    curves: Mapping[tuple[str, str], Curves],
    rows: Sequence[Row],
    names: Sequence[str],
    sets: Sequence[str],
) -> tuple[Overall, ...]:
    """Ranks over the sets where everybody has played; equal areas share a rank."""
    from scipy.stats import rankdata  # noqa: PLC0415 (slow to import)

    found = {(row.set_name, row.competitor): row for row in rows}
    areas = {where: line for where in sets if (line := _shared_areas(curves, where, names))}
    if not areas:
        return ()
    whole = tuple(areas)
    ranks = np.array([rankdata([-area for area in line]) for line in areas.values()])
    made = []
    for number, who in enumerate(names):
        mine = [found[where, who] for where in whole]
        gaps = [row.difference for row in mine if row.difference is not None]
        # Where it never gets there it saves nothing.
        savings = [row.saving or 0.0 for row in mine if row.difference is not None]
        made.append(
            Overall(
                competitor=who,
                sets=len(whole),
                mean_rank=float(ranks[:, number].mean()),
                mean_difference=float(np.mean(gaps)) if gaps else None,
                median_saving=float(np.median(savings)) if savings else None,
            )
        )
    return tuple(sorted(made, key=lambda each: each.mean_rank))
