"""Numbers as people read them in tables, the same on a terminal and on a page."""

from collections.abc import Sequence

from alservice.simulation.statistics import Overall, Row

COLUMNS = (
    "strategy",
    "AUBC",
    "difference",
    "Holm p (t)",
    "Holm p (W)",
    "final",
    "saving",
    "DUR",
    "own model",
    "ms/batch",
)
OVERALL = ("strategy", "mean rank", "mean difference", "median saving", "sets")
NONE = "–"


def row_words(row: Row, reference: str) -> list[str]:
    """One cell per column of COLUMNS."""
    usual = row.competitor == reference
    gap, error = row.difference, row.difference_error
    return [
        row.competitor,
        f"{row.area:.4f} ± {error_word(row.area_error)}",
        "reference" if usual else NONE if gap is None else f"{gap:+.4f} ± {error_word(error)}",
        p_word(row.t_holm),
        p_word(row.wilcoxon_holm),
        f"{row.final:.4f}",
        share(row.saving),
        NONE if row.data_utilisation is None else f"{row.data_utilisation:.2f}",
        NONE if row.own_area is None else f"{row.own_area:.4f}",
        f"{row.ms_per_batch:.0f}",
    ]


def telling(
    columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Columns and rows without the columns in which no row says anything."""
    kept = [n for n in range(len(columns)) if any(row[n] != NONE for row in rows)]
    return [columns[n] for n in kept], [[row[n] for n in kept] for row in rows]


def overall_words(overall: Overall) -> list[str]:
    """One cell per column of OVERALL."""
    gap = overall.mean_difference
    return [
        overall.competitor,
        f"{overall.mean_rank:.2f}",
        NONE if gap is None else f"{gap:+.4f}",
        share(overall.median_saving),
        str(overall.sets),
    ]


def error_word(value: float | None) -> str:
    """A standard error; a single seed has none."""
    return NONE if value is None else f"{value:.4f}"


def counted(number: int, what: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def p_word(value: float | None) -> str:
    """A p-value with as many digits as it is worth."""
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def share(value: float | None) -> str:
    """In percent."""
    return NONE if value is None else f"{100 * value:.0f} %"
