"""Orders: shots as plain JSON, for a camera on another machine, and the labels that say who can film them.

An order asks for labels, a camera offers some, and only a camera that offers all of an order's gets it. The
label of a film model holds its weights and our own sources, so that another release films nothing; a LoRA
has a label of its own. Weights and LoRAs are named by hashes: every machine knows where its own files are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flows.studio import acting, cameras, filming
from flows.studio.acting.directing import Directions
from flows.studio.errors import StudioError
from flows.studio.filming import models
from flows.studio.filming.models import Loras
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import PlannedShot, directions_in
from flows.studio.media import clip_rate, clips
from flows.studio.workspace.artifacts import canonical_json, digest
from flows.studio.workspace.files import content_hash

# Settings that are paths or sizes of one machine, or of services, whose films no camera makes.
_OWN = ("model", "loras", "memory", "inputs", "price", "max_cost")


@dataclass(frozen=True)
class Model:
    """A film model as every machine knows it. `loras` are (content hash, file name, weight)."""

    weights: str  # the fingerprint without LoRAs
    loras: tuple[tuple[str, str, float], ...]
    title: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The labels that a camera must offer."""
        return (model_label(self.weights), *(lora_label(content) for content, _, _ in self.loras))


@dataclass(frozen=True)
class Order:
    """A shot for a camera: everything that its clip is made from, without a path.

    Pictures that it is filmed from go with it as bytes, fitted to the film; its recipe has their hashes.
    `film` are the fields of `FilmSettings` that are the same on every machine.
    """

    label: str
    show: str
    prompt: str
    words: str
    written: str | None
    seed: int
    recipe: Mapping[str, Any]
    film: Mapping[str, Any]
    model: Model

    @property
    def directions(self) -> Directions:
        """The direction of every frame and figure, as its recipe has them."""
        return directions_in(self.recipe)

    @property
    def digest(self) -> str:
        """The digest of its recipe, as in the name of its clip."""
        return digest(self.recipe)

    @property
    def key(self) -> str:
        """Its name on the farm: equal orders of several heads are filmed once."""
        return f"shot-{_hash(canonical_json(asdict(self)))}"


def model_of(film: FilmSettings) -> Model:
    """The film model of these settings. Raises StudioError for a LoRA that is not there."""
    loras = hashed_loras(film.loras)
    weights = models.fingerprint(film.model) if loras else film.weights
    return Model(weights, loras, film.title)


def hashed_loras(loras: Loras) -> tuple[tuple[str, str, float], ...]:
    """(content hash, file name, weight) of LoRAs. Raises StudioError for one that is not there."""
    try:
        return tuple((content_hash(Path(file)), Path(file).name, weight) for file, weight in loras)
    except FileNotFoundError as error:
        raise StudioError(f"lora: {error.filename}: there is no such file", code=2) from error


def order_of(shot: PlannedShot, film: FilmSettings, model: Model, *, show: str) -> Order:
    """The order of a planned shot."""
    settings = {key: value for key, value in asdict(film).items() if key not in _OWN}
    return Order(
        label=shot.label,
        show=show,
        prompt=shot.prompt,
        words=shot.words,
        written=shot.written,
        seed=shot.seed,
        recipe=shot.recipe,
        film=json.loads(canonical_json(settings)),
        model=model,
    )


def read_order(order: Mapping[str, Any]) -> Order:
    """The order of a mapping that was JSON."""
    model = order["model"]
    loras = tuple((str(content), str(name), float(weight)) for content, name, weight in model["loras"])
    return Order(**{**order, "model": Model(**{**model, "loras": loras})})


def settings_of(order: Order, source: str, loras: Mapping[str, Path], *, memory: str) -> FilmSettings:
    """The film settings of an order on a machine that has the model at `source`, and LoRAs by their hash."""
    own = tuple((str(loras[content]), weight) for content, _, weight in order.model.loras)
    film = {key: _as_tuple(value) for key, value in order.film.items()}
    return FilmSettings(**film, model=source, loras=own, memory=memory)


def _as_tuple(value: Any) -> Any:
    """JSON's lists as tuples, which settings hold."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


# ------------------------------------------------------------------------------------------------- labels


def model_label(weights: str) -> str:
    """What a camera offers that has this film model in this release."""
    return f"film-{_hash(f'{release()} {weights}')}"


def lora_label(content: str) -> str:
    """What a camera offers that has this LoRA."""
    return f"lora-{content}"


def release() -> str:
    """This release, with a hash of the sources and data that pictures depend on beside the weights."""
    return f"{metadata.version('cold-open')}+{_sources()}"


@cache
def _sources() -> str:
    """A hash of the film models' code and data, and of what films and writes clips.

    TOON's weights are left out: they have their fingerprint. The ends of lines do not count, because git
    changes them on Windows.
    """
    film_models = Path(str(find_spec("t2v").origin)).parent  # type: ignore[union-attr]  # it is ours
    paths = [
        *(path for path in film_models.rglob("*") if path.suffix in (".py", ".json", ".safetensors")),
        *Path(str(filming.__file__)).parent.rglob("*.py"),
        *Path(str(cameras.__file__)).parent.rglob("*.py"),
        *Path(str(acting.__file__)).parent.rglob("*.py"),
        *(Path(str(module.__file__)) for module in (clips, clip_rate)),
    ]
    total = hashlib.sha256()
    for path in sorted(paths):
        if path.name != "toon.safetensors" and "training" not in path.parts:
            content = path.read_bytes()
            total.update(content if path.suffix == ".safetensors" else content.replace(b"\r\n", b"\n"))
    return total.hexdigest()[:8]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
