"""Previews of a clip that is being filmed: when there is time for one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from flows.studio.cameras.film_model import Preview

if TYPE_CHECKING:
    import numpy as np

MOST_SHARE = 0.05  # of a filming's time that previews take
FEWEST_SECONDS = 0.25  # from one preview to the next


class PreviewTime:
    """The time that the previews of one filming take, which is a twentieth of it at most.

    The first comes after the first step, and the others when their time has been earned.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begun = self._drawn = clock()
        self._spent = self._last = 0.0

    def offer(self, draw: Preview, *, step: int, num_steps: int) -> Preview | None:
        """The preview of a step, whose time is measured; None if there is no time for it.

        The last step has none: the film itself follows.
        """
        now = self._clock()
        if step >= num_steps:
            return None
        has_time = self._spent + self._last <= MOST_SHARE * (now - self._begun)
        if self._spent and (not has_time or now - self._drawn < FEWEST_SECONDS):
            return None
        return lambda: self._measure(draw)

    def _measure(self, draw: Preview) -> np.ndarray:
        start = self._clock()
        picture = draw()
        self._drawn = self._clock()
        self._last = self._drawn - start
        self._spent += self._last
        return picture
