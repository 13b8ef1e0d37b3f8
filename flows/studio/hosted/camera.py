"""Cameras that are servers and services, behind the same door as film models on this machine."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from PIL import Image

from flows.studio.cameras.facts import ModelFacts, Pictures, Sampling
from flows.studio.cameras.film_model import GenerateSettings, ModelError, OnStep, Video
from flows.studio.cameras.names import CameraName, read_name
from flows.studio.hosted import comfyui, fal, filming, replicate
from flows.studio.hosted.addresses import clean_url, host_of, key_of
from flows.studio.hosted.asking import Asked, Provider
from flows.studio.hosted.camera_prices import find_price, price_fault, user_price_files
from flows.studio.hosted.filming import OnShare, Order
from flows.studio.hosted.jobs import Jobs
from flows.studio.hosted.videos import VideosServer
from flows.studio.hosted.wire import Patience, Wire
from flows.studio.media import clips, user_files
from flows.studio.rates import FPS
from flows.studio.workspace import artifacts, files

if TYPE_CHECKING:
    import numpy as np

SECONDS = 5  # of a film where nothing else is asked for; most services make it
SIZES = {"16:9": (720, 1280), "1:1": (720, 720), "9:16": (1280, 720)}  # height, width
SERVICE_TERMS = "the service's own terms"
_OWN_STEPS = 0  # as many as the server takes by itself
_PLACES = {"fal": "fal", "replicate": "Replicate"}


def describe(source: str) -> ModelFacts:
    """The facts of a camera that is a server or a service; nobody is asked for them.

    Raises ModelError for an address that is none, and for a workflow that is not there.
    """
    name = read_name(source)
    pictures: tuple[Pictures, ...] = ("none", "first")
    takes_references = name.url is None and "reference-to-video" in name.model
    if takes_references:
        pictures = ("none",)
    elif name.url is None and "image-to-video" in name.model:
        pictures = ("first",)
    if name.place == "comfyui":
        workflow = _workflow(name)
        pictures = ("none", "first") if comfyui.takes_picture(workflow) else ("none",)
    where = _PLACES.get(name.place) or host_of(clean_url(name))
    model = Path(name.model).stem if name.place == "comfyui" else name.model
    own = Sampling(_OWN_STEPS)
    return ModelFacts(
        source=source,
        name=f"{model}@{where}" if name.url else str(name),
        title=f"{model} at {where}",
        about=f"hosted by {where}" if name.url is None else f"a server, {where}",
        licence=SERVICE_TERMS if name.url is None else "",
        sizes=SIZES,
        size_step=2,
        num_frames=SECONDS * FPS,
        fps=FPS,
        speed="exact",
        sampling={"exact": own, "fast": own},
        guidance_scale=None,
        motion_guidance=0.0,
        negative_prompt="",
        dialect="prose",
        pictures=pictures,
        references=3 if takes_references else 0,
        takes_film=False,
    )


def fingerprint(source: str) -> str:
    """The hash of a workflow, "" of any other camera: nobody can see the weights of a server."""
    name = read_name(source)
    return artifacts.digest(_workflow(name)) * 2 if name.place == "comfyui" else ""


def open_camera(source: str, *, env: Mapping[str, str] = os.environ) -> HostedCamera:
    """The camera, with its key. Nothing is sent yet. Raises ModelError."""
    return HostedCamera(describe(source), _provider(read_name(source), env))


def _provider(name: CameraName, env: Mapping[str, str]) -> Provider:
    variable, key = key_of(name, env)
    if name.place == "fal":
        return fal.FalQueue(Wire(fal.QUEUE, key, scheme="Key", key_name=variable), name.model)
    if name.place == "replicate":
        return replicate.Replicate(Wire(replicate.API, key, key_name=variable), name.model)
    wire = Wire(clean_url(name), key, key_name=variable)
    return (
        comfyui.ComfyUI(wire, _workflow(name)) if name.place == "comfyui" else VideosServer(wire, name.model)
    )


def _workflow(name: CameraName) -> dict[str, Any]:
    return comfyui.read_workflow(Path(name.model))


@dataclass(frozen=True)
class HostedFilm:
    """A film that a server made, as frames; `Video` for one clip by itself."""

    frames: np.ndarray
    fps: int
    settings: Mapping[str, Any]


class HostedCamera:
    """A server or a service as a `FilmModel`. Episodes take its films as files: `film`."""

    def __init__(self, facts: ModelFacts, provider: Provider, *, patience: Patience = Patience()) -> None:  # noqa: B008  # frozen
        self.facts = facts
        self.provider = provider
        self.patience = patience
        self.device = provider.wire.where
        self._clip_jobs = Jobs(files.cache_folder() / "jobs")
        self._limit: float | None = None

    def limit_clips(self, dollars: float | None) -> None:
        """Bounds what clips by `generate` may cost from now on; one with a price is not filmed without."""
        self._limit = None if dollars is None else self._clip_jobs.spent + dollars

    def film(self, order: Order, jobs: Jobs, *, on_share: OnShare = lambda share: None) -> Path:
        """The file of a film; see `filming.film`."""
        return filming.film(
            self.provider, order, jobs, patience=self.patience, on_share=on_share, check=_check_film
        )

    def ask_ahead(self, order: Order, jobs: Jobs) -> None:
        """Asks for a film that is fetched later; see `filming.ask_ahead`."""
        filming.ask_ahead(self.provider, order, jobs, patience=self.patience)

    def generate(
        self,
        prompt: str,
        *,
        seed: int,
        references: Sequence[np.ndarray] = (),
        on_step: OnStep | None = None,
        **settings: Unpack[GenerateSettings],
    ) -> Video:
        """Films a prompt; its job is kept in the cache folder, so that a clip is not paid for twice."""
        name = read_name(self.facts.source)
        asked = _asked(self.facts, prompt, seed, references, settings)
        price = find_price(name, lines=min(asked.width, asked.height), own=user_price_files(None))
        if price is None and (fault := price_fault(name)):
            raise ModelError(fault)
        if price is not None and price.second > 0 and self._limit is None:
            raise ModelError(
                f"max_cost: wanted a limit in US dollars for {self.facts.title}, {price}, got none, try "
                "--max-cost 1"
            )
        recipe = {"camera": self.facts.name, "prompt": prompt, "seed": seed, "settings": _plain(asked)}
        dollars = None if price is None else price.of_film(asked.seconds)
        order = Order(artifacts.digest(recipe), "this clip", self.facts.title, asked, dollars, self._limit)

        def on_share(share: float | None) -> None:
            if on_step is not None:
                on_step(round(100 * (share or 0)), 100, None)

        path = self.film(order, self._clip_jobs, on_share=on_share)
        with tempfile.TemporaryDirectory(prefix="cold-open-film-") as work:
            clip = Path(work, "clip.mp4")
            user_files.conform_film(path, (asked.width, asked.height), out=clip)
            frames = clips.read_clip(clip)
        return HostedFilm(frames, FPS, {"seed": seed, **settings})

    def close(self) -> None:
        """Nothing: a server keeps what it has loaded."""


def _asked(
    facts: ModelFacts, prompt: str, seed: int, references: Sequence[np.ndarray], settings: GenerateSettings
) -> Asked:
    """A clip's settings as a server is asked for it. Raises ModelError for what no server does."""
    hold = dict(settings.get("hold") or {})
    first = hold.pop(0, None)
    unable = {
        "a film to begin from": settings.get("init_frames") is not None,
        "a loop": bool(settings.get("loop")),
        "pictures for other frames than the first": bool(hold),
        "a picture for its first frame": first is not None and not facts.takes_first_frame,
        "reference pictures": len(references) > facts.references,
    }
    for what, is_asked in unable.items():
        if is_asked:
            raise ModelError(f"{facts.title} takes no such thing: {what}")
    height, width = facts.default_size
    return Asked(
        prompt=prompt,
        seconds=(settings.get("num_frames") or facts.num_frames) / facts.fps,
        width=settings.get("width") or width,
        height=settings.get("height") or height,
        fps=facts.fps,
        seed=seed,
        negative_prompt=settings.get("negative_prompt") or "",
        num_steps=settings.get("num_steps") or None,
        guidance_scale=settings.get("guidance_scale"),
        first=None if first is None else png_of(first),
        references=tuple(map(png_of, references)),
    )


def png_of(picture: np.ndarray) -> bytes:
    """A picture, uint8 (h, w, 3), as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "png")
    return file.getvalue()


def _plain(asked: Asked) -> dict[str, Any]:
    """Everything that is asked for as JSON, pictures by their hashes."""
    plain = asdict(asked)
    plain["first"] = asked.first and hashlib.sha256(asked.first).hexdigest()
    plain["references"] = [hashlib.sha256(picture).hexdigest() for picture in asked.references]
    return {key: value for key, value in plain.items() if key != "prompt"}


def _check_film(path: Path) -> None:
    """Raises StudioError for a file without a picture that ffmpeg can read."""
    user_files.check_media(path)
