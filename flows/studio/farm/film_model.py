"""A film model of the farm: `clip` films with it as with one of this machine."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Unpack

from flows.studio.cameras.facts import ModelFacts
from flows.studio.cameras.film_model import GenerateSettings, OnStep, RenderError
from flows.studio.errors import StudioError
from flows.studio.farm import camera as cameras
from flows.studio.farm.camera import CalledOff
from flows.studio.farm.connection import Connection, Lost, Unanswered
from flows.studio.farm.orders import Model

if TYPE_CHECKING:
    import numpy as np
    from distributed import Future

Asked = tuple[str, int]  # prompt and seed
How = tuple[tuple["np.ndarray", ...], GenerateSettings]  # references and settings


@dataclass(frozen=True)
class FarmVideo:
    """A clip that a camera has filmed."""

    frames: np.ndarray
    fps: int
    settings: Mapping[str, Any]


class FarmModel:
    """A film model that any camera of the farm films with, as a `FilmModel`."""

    device = "the farm"

    def __init__(self, connection: Connection, model: Model, facts: ModelFacts) -> None:
        self.facts = facts
        self._connection = connection
        self._model = model
        self._ahead: list[Asked] = []
        self._out: dict[Asked, Future] = {}

    def film_ahead(self, asked: Sequence[Asked]) -> None:
        """Says what will be asked for, in this order, so that several cameras film at once."""
        self._ahead = list(asked)

    def generate(
        self,
        prompt: str,
        *,
        seed: int,
        references: Sequence[np.ndarray] = (),
        on_step: OnStep | None = None,
        **settings: Unpack[GenerateSettings],
    ) -> FarmVideo:
        """Films a prompt on a camera that is free; see `FilmModel.generate`."""
        while True:
            try:
                answer = self._generate((prompt, seed), on_step, (tuple(references), settings))
                break
            except Lost:
                self._out.clear()
                self._connection.reconnect()
            except CalledOff:
                self._out.pop((prompt, seed)).release()
        if "error" in answer:
            if answer["kind"] == RenderError.__name__:
                raise RenderError(answer["error"])
            raise StudioError(answer["error"], code=answer["code"])
        return FarmVideo(answer["frames"], answer["fps"], answer["settings"])

    def close(self) -> None:
        """Calls off what is out; the cameras keep their models."""
        self._connection.call_off(list(self._out.values()))
        self._out.clear()

    def _generate(self, asked: Asked, on_step: OnStep | None, how: How) -> dict[str, Any]:
        self._order(asked, how)
        while True:
            for kind, value in self._connection.events():
                key = self._out[asked].key
                if kind == "step" and value["key"] == key and on_step is not None:
                    step, num_steps = value["step"]
                    on_step(step, num_steps, None)
                elif kind == "done" and value == key:
                    try:
                        answer: dict[str, Any] = self._connection.answer(self._out[asked])
                    except Unanswered:
                        continue
                    self._out.pop(asked).release()
                    return answer
            if self._out[asked].done() and not self._connection.has_events():
                self._connection.announce(self._out[asked])  # it was done while another clip was waited for

    def _order(self, asked: Asked, how: How) -> None:
        """Orders a clip, and of those that come after it as many as there are other cameras."""
        after = self._ahead[self._ahead.index(asked) + 1 :] if asked in self._ahead else []
        num_others = len(self._connection.fitting(self._model))
        for number, one in enumerate([asked, *after[:num_others]]):
            if one not in self._out:
                self._out[one] = self._connection.order(
                    cameras.generate,
                    asdict(self._model),
                    *one,
                    *how,
                    key=f"clip-{_hash((self._model, one, how))}",
                    model=self._model,
                    number=number,
                )


def _hash(content: object) -> str:
    return hashlib.sha256(pickle.dumps(content)).hexdigest()[:16]
