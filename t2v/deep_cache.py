"""Deep features kept from step to step (DeepCache, Ma et al. 2023).

From one step to the next the deep half of the UNet answers nearly the same. Where it is asked in every second
step only, the steps between run the outermost stages alone: at 256x256 a sixth of the network's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class DeepFeatures:
    """What the last stage of the UNet got from below at the last full pass."""

    kept: Tensor | None = None


@dataclass
class DeepCache:
    """Deep features of all calls of a step: both branches of guidance, all windows, always in one order."""

    every: int
    slots: list[DeepFeatures] = field(default_factory=list)
    step: int = -1
    timestep: float | None = None
    call: int = 0

    def features(self, timestep: float) -> DeepFeatures:
        """Where this call's features are kept; empty where it has to run the whole network."""
        if timestep != self.timestep:
            self.timestep, self.step, self.call = timestep, self.step + 1, 0
        if self.call == len(self.slots):
            self.slots.append(DeepFeatures())
        slot = self.slots[self.call]
        self.call += 1
        if self.step % self.every == 0:
            slot.kept = None
        return slot
