"""REFINE: many strategies choose from random subsets, uncertainty herding among what they chose."""

from alservice.domain.strategy import Ensemble

STRATEGY = Ensemble(
    name="auto_ensemble",
    version=1,
    summary="Strategies choose from random subsets of the pool; the best of their choices is asked.",
    reference="Huseljic et al., REFINE: training-free ensembles of active learning strategies, "
    "CVPR 2026, arXiv:2511.22344",
    members=("random", "margin", "bait", "typiclust", "max_herding", "drop_query", "badge"),
    final="uncertainty_herding",
    rounds=3,
    subsets=21,
    subset_rows=2_000,
)
