"""Deep features kept from step to step (DeepCache, Ma et al. 2023).

From one step to the next the deep half of the UNet answers nearly the same. Where it is asked in every second
step only, the steps between run the outermost stages alone: at 256x256 a sixth of the network's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class DeepFeatures:
    """What the last stage of the UNet got from below at the last full pass, and in which turn that was.

    Where a level stands around the UNet: the features and the prediction of what is inside it.
    """

    kept: tuple[Tensor, ...] | None = None
    turn: int = -1


@dataclass
class DeepCache:
    """Deep features of all calls of a step: the branches of guidance, all windows, always in one order.

    `every` steps are a turn. The first pass of a turn is a full one, in whichever step of it the call comes:
    no features are older than `every - 1` steps, nor those of a branch that is not asked in every step.
    """

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
        turn = self.step // self.every
        if slot.turn != turn:
            slot.kept, slot.turn = None, turn
        return slot
