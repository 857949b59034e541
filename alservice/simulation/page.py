"""The comparison as one page that needs nothing else: no network, no script."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from alservice.simulation.chart import colour_of, draw
from alservice.simulation.statistics import Summary
from alservice.simulation.words import (
    COLUMNS,
    NONE,
    OVERALL,
    counted,
    overall_words,
    row_words,
    share,
    telling,
)

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2329; --soft: #5c6770; --line: #dfe3e6;
  --paper: #ffffff; --shade: #f4f6f7; --win: 20, 115, 160; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8eb; --soft: #9aa5ae;
  --line: #333c44; --paper: #15191d; --shade: #1d2329; --win: 90, 180, 225; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 64rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p, li { color: var(--soft); margin: .25rem 0 1rem; max-width: 46rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); } th:first-child, td:first-child { text-align: left; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  margin-right: .5em; vertical-align: -.05em; }
svg { display: block; width: 100%; height: auto; margin: .5rem 0 1rem; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .axis { stroke: var(--soft); }
"""
_ABOUT: Final = (
    "Each strategy chose from the same pools; the items it chose trained the same fixed model, "
    "whose accuracy on held-out items is shown. AUBC: area under that curve. Difference: to the "
    "reference, paired by seed, ± standard error; p-values two-sided (paired t, Wilcoxon), "
    "corrected after Holm within a set. Saving: share of the budget that was not needed for the "
    "reference's final accuracy, none unless the mean curve stays there to the end but for one "
    "standard error. DUR: labels to that accuracy as a multiple of the reference's "
    "own need. Own model: mean accuracy of the model that the service trains itself."
)


def page(summary: Summary, title: str) -> str:
    """The page, as HTML."""
    parts = [
        f"<h1>{escape(title)}</h1><p>{escape(_ABOUT)}</p>",
        _failures(summary),
        *(_set(summary, where) for where in summary.set_names),
        _overall(summary),
        _wins(summary),
    ]
    skipped = (
        f"<p>Skipped, because the first labels are of one class: "
        f"{counted(summary.skipped, 'game')}.</p>"
    )
    body = "\n".join([*parts, skipped if summary.skipped else ""])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>{body}</body></html>\n"
    )


def _failures(summary: Summary) -> str:
    """Before everything else: what is missing below."""
    if not summary.failures:
        return ""
    lines = [
        f"<li>{escape(where)}: {escape(text)}" for (where, _), text in summary.failures.items()
    ]
    text = "These strategies failed and are missing below, or have fewer seeds:"
    return f"<h2>Failed</h2><p>{text}</p><ul>{''.join(lines)}</ul>"


def _set(summary: Summary, where: str) -> str:
    rows = sorted(
        (row for row in summary.rows if row.set_name == where), key=lambda each: -each.area
    )
    names = [name for name in summary.competitors if (where, name) in summary.curves]
    chart = draw({name: summary.curves[where, name] for name in names}, summary.competitors)
    columns, cells = telling(COLUMNS, [row_words(row, summary.reference) for row in rows])
    facts = f"{counted(rows[0].seeds, 'seed')}, {counted(rows[0].labels, 'label')}"
    if rows[0].seeds > 1:
        facts += "; bands: 95 % confidence of the mean"
    return (
        f"<h2>{escape(where)}</h2><p>{facts}</p>{chart}"
        f"{_table(columns, [[_key(summary, c[0]), *map(escape, c[1:])] for c in cells])}"
    )


def _overall(summary: Summary) -> str:
    if len(summary.set_names) < 2 or not summary.overall:
        return ""
    rows = [overall_words(each) for each in summary.overall]
    cells = [[_key(summary, row[0]), *map(escape, row[1:])] for row in rows]
    return f"<h2>All sets</h2>{_table(OVERALL, cells)}"


def _wins(summary: Summary) -> str:
    if len(summary.competitors) < 2:
        return ""
    lines = [
        [_key(summary, name), *(_win(value) for value in line)]
        for name, line in zip(summary.competitors, summary.wins, strict=True)
    ]
    text = "How often the row's AUBC is above the column's, over sets and seeds; ties count half."
    return f"<h2>Win matrix</h2><p>{text}</p>{_table(('', *summary.competitors), lines)}"


def _win(value: float | None) -> str:
    """A shaded cell, the more often the darker."""
    if value is None:
        return NONE
    return f'<span class="win" data-share="{value:.2f}">{escape(share(value))}</span>'


def _key(summary: Summary, name: str) -> str:
    place = summary.competitors.index(name)
    return f'<span class="key" style="background:{colour_of(place)}"></span>{escape(name)}'


def _table(columns: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    """`rows` hold HTML."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _cell(html: str) -> str:
    if 'class="win"' not in html:
        return f"<td>{html}</td>"
    value = float(html.split('data-share="')[1].split('"', maxsplit=1)[0])
    return f'<td style="background:rgba(var(--win),{max(0.0, value - 0.5) * 1.4:.2f})">{html}</td>'
