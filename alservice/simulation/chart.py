"""Learning curves with confidence bands, drawn as SVG by hand."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.simulation.curves import Curves

F64 = NDArray[np.float64]
# Told apart by colour-blind readers too (Okabe and Ito 2008), then repeated.
_COLOURS: Final = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#7f6bd6",
    "#8c8c00",
    "#a05a2c",
    "#7a7a7a",
)
_WIDTH, _HEIGHT = 960, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 190, 12, 44
_STEPS: Final = (1, 2, 2.5, 5, 10)


def colour_of(place: int) -> str:
    """The colour of the competitor at this place."""
    return _COLOURS[place % len(_COLOURS)]


def draw(curves: Mapping[str, Curves], names: Sequence[str]) -> str:
    """Mean accuracy over labels, and its band; `names` decides colours."""
    frame = _Frame(list(curves.values()))
    lines = [_curve(frame, each, colour_of(names.index(who))) for who, each in curves.items()]
    ends = _labels(frame, {who: float(each.mean[-1]) for who, each in curves.items()}, names)
    label = "Learning curves: accuracy on held-out items over the number of labels"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        f"{frame.axes()}{''.join(lines)}{ends}</svg>"
    )


class _Frame:
    """From labels and accuracies to places on the drawing."""

    def __init__(self, curves: Sequence[Curves]) -> None:
        counts = np.concatenate([each.label_counts for each in curves])
        self.low_x, self.high_x = float(counts.min()), float(max(counts.max(), counts.min() + 1))
        means = np.concatenate([each.mean for each in curves])
        # Bands of the first batches are wide; they may leave the drawing, the means may not.
        low, high = float(means.min()), float(means.max())
        gap = 0.06 * (high - low) or 0.05
        self.low_y, self.high_y = max(0.0, low - gap), min(1.0, high + gap)
        if self.high_y <= self.low_y:
            self.low_y = self.high_y - 0.1

    def x(self, counts: F64) -> F64:
        """Places of label counts."""
        share = (counts - self.low_x) / (self.high_x - self.low_x)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, accuracies: F64) -> F64:
        """Places of accuracies, kept inside."""
        share = (np.clip(accuracies, self.low_y, self.high_y) - self.low_y) / (
            self.high_y - self.low_y
        )
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def axes(self) -> str:
        """Grid, numbers and names."""
        right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        parts = []
        for value in ticks(self.low_y, self.high_y):
            y = float(self.y(np.array([value]))[0])
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
            text = f"{value:.3f}".rstrip("0").rstrip(".")
            parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        for value in ticks(self.low_x, self.high_x):
            x = float(self.x(np.array([value]))[0])
            parts.append(
                f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{value:g}</text>'
            )
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        middle = (_LEFT + right) / 2
        parts.append(f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">labels</text>')
        place = f'transform="translate(14 {(_TOP + bottom) / 2}) rotate(-90)"'
        parts.append(f'<text {place} text-anchor="middle">accuracy</text>')
        return "".join(parts)


def ticks(low: float, high: float) -> list[float]:
    """Four to nine round numbers in [low, high]."""
    raw = (high - low) / 6
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(power * factor for factor in _STEPS if power * factor >= raw)
    first = np.ceil(low / step - 1e-9)
    return [float(step * n) for n in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def _curve(frame: _Frame, curves: Curves, colour: str) -> str:
    x, mean, half = frame.x(curves.label_counts.astype(float)), curves.mean, curves.half_width
    over, under = _points(x, frame.y(mean + half)), _points(x, frame.y(mean - half))
    band = f"{over} {' '.join(reversed(under.split(' ')))}"
    line = _points(x, frame.y(mean))
    return (
        f'<polygon points="{band}" fill="{colour}" fill-opacity="0.13"/>'
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-linejoin="round"/>'
    )


def _points(x: F64, y: F64) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _labels(frame: _Frame, finals: Mapping[str, float], names: Sequence[str]) -> str:
    """The names beside the ends of the lines, moved apart where they would overlap."""
    order = sorted(finals, key=lambda who: -finals[who])
    places: list[float] = []
    for who in order:
        y = float(frame.y(np.array([finals[who]]))[0])
        places.append(max(y, places[-1] + 15) if places else max(y, _TOP + 6.0))
    spill = max(0.0, places[-1] - (_HEIGHT - _BOTTOM)) if places else 0.0
    x = _WIDTH - _RIGHT + 10
    return "".join(
        f'<text x="{x}" y="{place - spill + 4:.1f}" style="fill:{colour_of(names.index(who))};'
        f'font-weight:600">{escape(who[:26])}</text>'
        for who, place in zip(order, places, strict=True)
    )
