"""DeepCache (Ma et al. 2023): the UNet's deep features, reused in the next steps.

From one step to the next the deep half of the UNet gives nearly the same features. Where it runs in every
second step only, the steps between run the outermost stages: at 256x256 a sixth of the network's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class DeepFeatures:
    """The input of the UNet's last stage from below at the last full pass, and the turn of that pass.

    With outer levels: the features and the prediction of what the outermost one is around.
    """

    kept: tuple[Tensor, ...] | None = None
    turn: int = -1


@dataclass
class DeepCache:
    """The deep features of all calls of a step: the branches of guidance and all windows, in a fixed order.

    `every` steps are a turn. The first call of a turn runs the whole network, in whichever step of the turn
    it comes, so that no features are older than `every - 1` steps, even of a branch that skips steps.
    """

    every: int
    slots: list[DeepFeatures] = field(default_factory=list)
    step: int = -1
    timestep: float | None = None
    call: int = 0

    def features(self, timestep: float) -> DeepFeatures:
        """The features of the next call at a timestep; `kept` is None where the whole network has to run."""
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
