"""What may be done to a scene's picture, by name, as a script writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

EffectName = Literal["zoom", "shake", "fade_in", "fade_out", "black_and_white", "mirror", "negative"]
Effect = EffectName | dict[EffectName, float]


def _sane(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    for effect in effects:
        if isinstance(effect, dict) and (len(effect) != 1 or not 0 < next(iter(effect.values())) <= 60):
            raise ValueError("effects of one number each, like [{zoom: 1.15}, fade_in]")
    return effects


Effects = Annotated[tuple[Effect, ...], AfterValidator(_sane)]
"""A scene's effects, in the order in which they are done."""
