"""`train`: a film model goes on learning."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from flows.screen import Screen
from flows.training import TrainOptions


def train(*, options: Annotated[TrainOptions, Parameter(name="*")]) -> int:
    """Train a film model further on clips and pictures of your own; stopped or killed, it goes on."""
    from flows.training import make

    with Screen() as screen:
        make(options, screen)
    return 0
