"""REFINE: many strategies choose from random subsets, one among what they chose, round by round.

Smaller than in print, so that a batch takes seconds: 3 rounds of 21 subsets of 2000 rows where the
authors have 5 of 100 of 5000. AlfaMix is not a member, and uncertainty herding has the last word
only; subsets are drawn from a uniform sample of the pool.
"""

from alservice.domain.strategy import Ensemble

STRATEGY = Ensemble(
    name="auto_ensemble",
    version=1,
    summary="Strategies choose from random subsets of the pool; the best of these are asked.",
    reference=(
        "Huseljic, Herde, Rauch, Hahn & Sick, Cleaning the Pool: Progressive Filtering of "
        "Unlabeled Pools in Deep Active Learning, arXiv:2511.22344, 2025 (REFINE)"
    ),
    members=("random", "margin", "bait", "typiclust", "max_herding", "drop_query", "badge"),
    final="uncertainty_herding",
    rounds=3,
    subsets=21,
    subset_rows=2_000,
)
