"""A camera whose film model naps: a `FilmModel` that takes its time without the processor.

Its source is `nap`, or `nap:0.05` with the seconds of a step; the trial of `nap:untried` fails; `other` is
another model. Films are noted in
the file that NAP_LOG names, a line at their beginning and one at their end.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from flows.studio.cameras.facts import ModelFacts, Sampling
from flows.studio.cameras.film_model import RenderError
from flows.studio.filming import models

STEPS = 4
SIZE = (32, 64)
USED = {
    "negative_prompt": "",
    "num_steps": STEPS,
    "guidance_scale": 1.0,
    "motion_guidance": 0.0,
    "num_frames": 4,
    "height": SIZE[0],
    "width": SIZE[1],
    "sampler": "ddim",
}


def facts_of(source: str) -> ModelFacts:
    return ModelFacts(
        source=source,
        name=source.partition(":")[0],
        licence="",
        sizes={"16:9": SIZE},
        size_step=8,
        num_frames=4,
        fps=8,
        speed="exact",
        sampling={"exact": Sampling(STEPS, "ddim"), "fast": Sampling(STEPS, "ddim")},
        guidance_scale=1.0,
        motion_guidance=0.0,
        negative_prompt="",
    )


def fingerprint(source: str, **more: Any) -> str:
    return hashlib.sha256(source.partition(":")[0].encode()).hexdigest()[:16]


@dataclass
class NapVideo:
    frames: np.ndarray
    fps: int = 8
    settings: dict[str, Any] = field(default_factory=dict)


class NapModel:
    device = "nap"

    def __init__(self, source: str) -> None:
        self.facts = facts_of(source)
        text = source.partition(":")[2]
        self._fails_trials = text == "untried"
        self._seconds = 0.0 if self._fails_trials else float(text or 0)
        note("load", source)

    def generate(self, prompt: str, *, seed: int, on_step: Any = None, **settings: Any) -> NapVideo:
        is_trial = prompt == "a trial"
        note("trial" if is_trial else "begin", prompt)
        if is_trial and self._fails_trials:
            raise RenderError("too large for this card")
        if prompt.startswith("die"):
            os._exit(9)
        for step in range(1, STEPS + 1):
            time.sleep(self._seconds)
            if on_step is not None:
                on_step(step, STEPS, None)
        if prompt.startswith("fail"):
            raise RenderError("no picture")
        note("end", prompt)
        noise = np.random.default_rng([seed, *pictures_seed(settings)]).integers(
            0, 255, (4, *SIZE, 3), dtype=np.uint8
        )
        return NapVideo(noise, settings=USED)

    def close(self) -> None:
        pass


def pictures_seed(settings: dict[str, Any]) -> tuple[int, ...]:
    """A number for each picture that a shot is filmed from; another pixel gives another number."""
    held = settings.get("hold") or {}
    given = [*(held[number] for number in sorted(held)), *settings.get("references", ())]
    return tuple(int.from_bytes(hashlib.sha256(each.tobytes()).digest()[:4], "big") for each in given)


def note(what: str, prompt: str) -> None:
    if path := os.environ.get("NAP_LOG"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{what}\t{os.getpid()}\t{prompt}\n")


def use_naps() -> None:
    """Puts naps in place of film models in this process."""
    models.open_model = lambda source, **more: NapModel(source)
    models.describe_model = lambda source, **more: facts_of(source)
    models.fingerprint = fingerprint


if __name__ == "__main__":
    use_naps()
    from flows.studio.farm import camera

    camera.main(sys.argv[1])
