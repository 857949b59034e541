"""The default: typical items until each class could have a label, then doubt, spread out."""

from typing import Final

from alservice.domain.strategy import Schedule, Situation, Step

#: Chosen among some twenty-five on public sets: docs/adr/0013, docs/label-efficiency.md.
HERDING: Final = {"focus": 10.0, "power": 2.0, "quantile": 0.25, "unit": 0.0}


def _little_known(now: Situation) -> bool:
    return not now.has_model or now.labels < now.classes or now.seen_classes < 2


def _always(_now: Situation) -> bool:
    return True


STRATEGY = Schedule(
    name="auto",
    version=1,
    summary="Typical items first, then the most doubtful ones that stand for others like them.",
    reference=(
        "Hacohen et al., ICML 2022 (TypiClust); Bae et al., ICLR 2025 (uncertainty herding); the "
        "schedule is ours"
    ),
    steps=(
        Step(
            strategy="typiclust",
            holds=_little_known,
            because="Little is known yet: typical items of every region teach most.",
        ),
        Step(
            strategy="uncertainty_herding",
            holds=_always,
            because="The model has doubts: those are asked about first that most items share.",
            parameters=HERDING,
        ),
    ),
)
