"""`train`: a film model goes on learning."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from flows.studio.commands.train import TrainOptions
from flows.studio.production.console import Console


def train(*, options: Annotated[TrainOptions, Parameter(name="*", negative_iterable=())]) -> int:
    """Train a film model further on clips and pictures of your own; stopped or killed, it goes on."""
    from flows.studio.commands.train import make

    with Console() as screen:
        make(options, screen)
    return 0
