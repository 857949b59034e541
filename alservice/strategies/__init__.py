"""Strategies: every other file in this folder is one, and nothing else is.

To add one, write `alservice/strategies/NAME.py` that ends in `STRATEGY = ...`, and
`tests/strategies/test_NAME.py` that shows it choosing. There is no list to edit.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from alservice.domain.strategy import Ensemble, Schedule, Scoring, Selecting, Strategy


def discover() -> Mapping[str, Strategy]:
    """Every strategy in this folder, by name, in alphabetical order."""
    found: dict[str, Strategy] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        strategy = getattr(importlib.import_module(f"{__name__}.{module.name}"), "STRATEGY", None)
        if not isinstance(strategy, Scoring | Selecting | Schedule | Ensemble):
            raise TypeError(f"alservice/strategies/{module.name}.py must define STRATEGY")
        if strategy.name != module.name:
            raise ValueError(f"{module.name}.py holds a strategy called {strategy.name!r}")
        found[strategy.name] = strategy
    return found
