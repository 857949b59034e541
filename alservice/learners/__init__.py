"""Learners: every other file in this folder is one, and nothing else is.

To add one, write `alservice/learners/NAME.py` that ends in `LEARNER = ...`, and
`tests/learners/test_NAME.py` that shows it learning. There is no list to edit.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from alservice.domain.learner import Learner


def discover() -> Mapping[str, Learner]:
    """Every learner in this folder, by name."""
    found: dict[str, Learner] = {}
    for module in pkgutil.iter_modules(__path__):
        learner = getattr(importlib.import_module(f"{__name__}.{module.name}"), "LEARNER", None)
        if not isinstance(learner, Learner):
            raise TypeError(f"alservice/learners/{module.name}.py must define LEARNER")
        if learner.name != module.name:
            raise ValueError(f"{module.name}.py holds a learner called {learner.name!r}")
        found[learner.name] = learner
    return found
