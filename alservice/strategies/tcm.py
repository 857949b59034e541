"""TypiClust, then margin: typical items while labels are few, doubtful ones from then on."""

from typing import Final

from alservice.domain.strategy import Schedule, Situation, Step

_FIRST_BATCHES: Final = 3


def _few(now: Situation) -> bool:
    return not now.has_model or now.labels < _FIRST_BATCHES * now.batch_size


def _always(_now: Situation) -> bool:
    return True


STRATEGY = Schedule(
    name="tcm",
    version=1,
    summary="TypiClust for the first three batches, then margin.",
    reference="Doucet et al., Bridging Diversity and Uncertainty in Active Learning with "
    "Self-Supervised Pre-Training, 2024, arXiv:2403.03728",
    steps=(
        Step(
            strategy="typiclust",
            holds=_few,
            because="Labels are few: typical items of every region teach most.",
        ),
        Step(
            strategy="margin",
            holds=_always,
            because="There are labels enough to trust the model's doubts.",
        ),
    ),
)
