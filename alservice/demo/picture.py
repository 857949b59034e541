"""The learning curves as a picture."""

from pathlib import Path
from typing import Any, Final

from alservice.demo.comparison import Arm, Comparison

ARM_COLOUR: Final = "#0b6e99"
CONTROL_COLOUR: Final = "#b0582c"
GREY: Final = "#5a5a5a"


def draw(comparison: Comparison, title: str, path: Path) -> None:
    """Writes a PNG: mean and standard deviation of both arms, and where the goal is reached."""
    import matplotlib as mpl  # noqa: PLC0415 (slow, and only needed here)

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(8, 5), dpi=150, layout="constrained")
    _curve(axes, comparison, comparison.control, CONTROL_COLOUR)
    _curve(axes, comparison, comparison.arm, ARM_COLOUR)
    _goal(axes, comparison)
    axes.set_xlabel("labels given")
    axes.set_ylabel("accuracy on test items")
    axes.set_title(title, loc="left", fontsize=11)
    axes.grid(visible=True, color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(path, format="png")
    plt.close(figure)


def _curve(axes: Any, comparison: Comparison, arm: Arm, colour: str) -> None:
    counts, mean, deviation = comparison.label_counts, arm.mean, arm.deviation
    seeds = len(arm.accuracies)
    label = f"{arm.strategy} (mean ± sd of {seeds} seeds)" if seeds > 1 else arm.strategy
    axes.fill_between(counts, mean - deviation, mean + deviation, color=colour, alpha=0.15, lw=0)
    axes.plot(counts, mean, color=colour, lw=2, marker="o", markersize=3.5, label=label)


def _goal(axes: Any, comparison: Comparison) -> None:
    """A dashed line at the goal, with the saving written on it if there is one."""
    goal, needed = comparison.goal, comparison.labels_to_goal
    budget = int(comparison.label_counts[-1])
    axes.axhline(goal, color=GREY, lw=1, ls="--", zorder=1)
    if needed is None or needed >= budget:
        return
    axes.plot([needed], [goal], "o", markersize=8, mfc="white", mec=ARM_COLOUR, mew=2, zorder=5)
    axes.annotate(
        f"{goal:.3f} with {needed} of {budget} labels",
        (needed, goal),
        xytext=(18, -90),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.8, "shrinkB": 6},
        color=GREY,
        fontsize=10,
    )
