"""What may be asked of the queue: the kinds of job and their options, as scripts and pages send them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from flows.api.clips.controls import job_fields
from flows.api.clips.shelf import new_name
from flows.api.jobs.errors import NotThere
from flows.api.jobs.queue import JobState
from flows.api.live.site import Site
from flows.api.storyboard.episodes import find_folder, meme_text
from flows.studio.production.request import Aspect, Until
from flows.studio.workspace import files, manifest
from scripts_llm.plain_text import one_line

EpisodeName = Annotated[str, Field(max_length=200, description="show and code: joe-and-the-don/s01e01")]
Label = Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_-]{0,40}([.-]\d{1,4})?$")]


class _Job(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EpisodeJob(_Job):
    """Make the episode, or finish it, or make again what no longer matches: `coldopen episode`."""

    kind: Literal["episode"]
    episode: EpisodeName
    until: Until | None = Field(default=None, description="stop after this step")
    draft: bool = Field(default=False, description="film with TOON, to draft.mp4")


class RetakeJob(_Job):
    """Film a shot again with its next seed: `coldopen retake`."""

    kind: Literal["retake"]
    episode: EpisodeName
    shot: Label = Field(description="s04.2")


class SpeakJob(_Job):
    """Speak one line: `coldopen speak`. It does not wait for a film."""

    kind: Literal["speak"]
    episode: EpisodeName
    line: Label = Field(description="s02-03")


class RewriteJob(_Job):
    """Write a scene again: `coldopen script --rewrite`."""

    kind: Literal["rewrite"]
    episode: EpisodeName
    scene: Label = Field(description="s04")
    note: str = Field(default="", max_length=1000, description="what should be otherwise")


class CutJob(_Job):
    """Cut the episode in another shape: `coldopen cut`."""

    kind: Literal["cut"]
    episode: EpisodeName
    aspect: Aspect | None = None
    lines: int | None = Field(default=None, ge=512, le=1080, description="the shorter side in pixels")
    scenes: tuple[Label, ...] = Field(default=(), max_length=100)


class BatchJob(_Job):
    """Make the next episode of every show: `coldopen batch`."""

    kind: Literal["batch"]
    stop_at: str | None = Field(default=None, pattern=r"^\d{1,2}:\d{2}$", description="07:00")


if TYPE_CHECKING:

    class _ClipControls(_Job):
        pass
else:
    _ClipControls = create_model("_ClipControls", __base__=_Job, **job_fields())


class ClipJob(_ClipControls):
    """Film one prompt, into an mp4 and a gif: `coldopen clip`. All but the prompt may be left out.

    Pictures and films are named as `PUT /api/v1/files/{name}` has answered.
    """

    kind: Literal["clip"]
    prompt: str = Field(min_length=1, max_length=2000, pattern=r"\S", description="What is seen.")


AnyJob = Annotated[
    EpisodeJob | RetakeJob | SpeakJob | RewriteJob | CutJob | BatchJob | ClipJob, Field(discriminator="kind")
]


def add(site: Site, asked: AnyJob) -> JobState:
    """Puts a job into the queue. Raises NotThere for an episode that is not there."""
    options = asked.model_dump(mode="json", exclude={"kind"}, exclude_defaults=True)
    if isinstance(asked, BatchJob):
        options["premises"] = str(site.premises)
        return site.queue.add(asked.kind, options, title=str(site.premises))
    if isinstance(asked, ClipJob):
        return _add_clip(site, asked.prompt, options)
    options = {key: value for key, value in options.items() if key != "episode"}
    title, known = _named(site, asked.episode)
    detail = options.get("shot") or options.get("line") or options.get("scene") or options.get("aspect")
    title = f"{title} {detail}" if detail else title
    return site.queue.add(asked.kind, {**options, **known}, title=title, episode=asked.episode)


def _add_clip(site: Site, prompt: str, options: dict[str, Any]) -> JobState:
    prompt = one_line(prompt, 2000)
    options |= {"prompt": prompt, "name": new_name(prompt), "premises": str(site.premises.absolute())}
    site.clips.options(options)  # what is not here is told now
    return site.queue.add("clip", options, title=prompt[:80])


def _named(site: Site, episode: str) -> tuple[str, dict[str, Any]]:
    """An episode's name for people, and the options by which commands find it."""
    folder = find_folder(site.output, episode)
    memory = manifest.read_memory(folder)
    show = (files.read_json(folder.manifest) or {}).get("show") or folder.root.parent.name
    path = Path(memory.premise_path) if memory.premise_path else None
    is_meme = bool(memory.premise and memory.premise.get("genre") == "meme")
    known: dict[str, Any] = {"code": str(folder.code), "folder": str(folder.root)}
    if path is not None and path.is_file():
        known["premise"] = str(path)
    elif path is None and is_meme:
        known["meme_text"] = meme_text(memory)
    else:
        raise NotThere(f"{show} {folder.code}: its premise {path or ''} is not there any more")
    if is_meme:
        known["meme"] = True
    return f"{show} {folder.code}", known
