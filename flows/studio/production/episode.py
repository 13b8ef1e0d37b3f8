"""A job: one episode as a run finds it before it works. Writes nothing, needs neither Prefect nor torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from flows.studio.errors import StudioError
from flows.studio.filming.models import DEFAULT_MODEL, describe_model, resolve_source
from flows.studio.filming.settings import check_model, draft_video, parse_lora
from flows.studio.production.request import EpisodeOptions, Until
from flows.studio.voice.catalog import default_speaker
from flows.studio.voice.settings import Speaker
from flows.studio.workspace import artifacts, manifest
from flows.studio.workspace import folder as folders
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder
from flows.studio.workspace.manifest import EpisodeMemory
from scripts_llm.llm.settings import refuse_secrets
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Script
from scripts_llm.screenplay.video import Video

if TYPE_CHECKING:
    from scripts_llm.llm.client import Call

AUTO = "auto"
VIDEO_MODEL = "COLDOPEN_VIDEO_MODEL"


@dataclass(frozen=True)
class Job:
    """What is to be made, where, and with what.

    `seed` is the show's: scripts of all its episodes come from it. `film_seed` is this episode's own.
    """

    premise: Premise
    premise_path: Path | None
    folder: EpisodeFolder
    memory: EpisodeMemory
    seed: int
    writer: str
    until: Until | None = None
    device: str | None = None
    stop_at: datetime | None = None

    @property
    def film_seed(self) -> int:
        """The seed that shots, laughs and music come from: the first episode's is the show's own."""
        own = self.premise.video.seed
        return episode_seed(self.seed, self.folder.code) if own is None else own

    @property
    def speaker(self) -> Speaker:
        """Who speaks for characters without a `voice:`."""
        return "kokoro" if self.memory.speaker == "kokoro" else "embedded"

    @property
    def sound_seed(self) -> int:
        return episode_seed(self.seed, self.folder.code)

    @property
    def places(self) -> tuple[Path, ...]:
        """Where a person's own clips and recordings are looked for: beside the script, beside the premise."""
        beside = (self.premise_path.parent,) if self.premise_path else ()
        return (self.folder.root, *beside)

    @property
    def video(self) -> Video:
        """What it is filmed with: what was said on the command line, then what the premise says.

        A draft is filmed by TOON with TOON's own settings, whatever else is set.
        """
        own = self.video_of_the_episode
        return draft_video(own) if self.folder.draft else own

    @property
    def video_of_the_episode(self) -> Video:
        """What the episode is filmed with; a draft's script is written and checked for it, too."""
        video = self.premise.video
        named = {"model": video.model or self.memory.film_model or DEFAULT_MODEL}
        whole = video.model_copy(update={**named, **(self.memory.video or {})})
        return _located(whole, self.premise_path.parent if self.premise_path else None)

    def place_of(self, *way: str) -> str:
        """A key of the premise as an error names it: with file, line and column, if it came from a file."""
        from scripts_llm.files.read import find_positions

        key = ".".join(way)
        if self.premise_path is None:
            return key
        line, column = find_positions(self.premise_path, [way])[0]
        return f"{self.premise_path}:{line}:{column}: {key}"

    @property
    def name(self) -> str:
        return f"{self.premise.show} {self.folder.code}"


def prepare(options: EpisodeOptions, premise: Premise | None = None) -> Job:
    """The job that the options ask for. A premise that is no file may be handed over.

    Raises ScriptError for a premise that is not as wanted, StudioError for an episode that is not there.
    """
    path = options.premise
    if premise is None and path is None:
        path, premise, episode = _last(options)
    else:
        episode = options.episode
    premise = _read(path) if premise is None and path is not None else premise
    assert premise is not None
    refuse_secrets(premise.writer, options.writer)
    chosen = folders.choose_episode(options.output, premise.show, season=premise.season, wanted=episode)
    folder = replace(chosen, draft=options.draft)
    memory = _remembering(manifest.read_memory(folder), options, premise, path)
    return Job(
        premise=premise,
        premise_path=path,
        folder=folder,
        memory=memory,
        seed=_first(memory.seed, premise.seed, artifacts.seed_from("show", premise.show)),
        writer=_first(memory.writer, AUTO),
        until=options.until,
        device=options.device,
        stop_at=options.stop_at,
    )


def is_over(stop_at: datetime | None) -> bool:
    """Whether the time is up; without one it never is."""
    return stop_at is not None and datetime.now().astimezone() >= stop_at


def _remembering(
    before: EpisodeMemory, options: EpisodeOptions, premise: Premise, path: Path | None
) -> EpisodeMemory:
    """The memory with what is said this time; what is not said again keeps its value."""
    return replace(
        before,
        premise_path=str(path.absolute()) if path else None,
        premise=premise.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        seed=before.seed if options.seed is None else options.seed,
        writer=options.writer or before.writer,
        film_model=before.film_model or resolve_source(os.environ.get(VIDEO_MODEL) or DEFAULT_MODEL),
        speaker=default_speaker(before.speaker or ("embedded" if before.film_model else None)),
        num_steps=before.num_steps or _own_steps(),
        size=premise.format.size or premise.format.aspect,
        video={**(before.video or {}), **_said(options.video)} or None,
    )


def _said(video: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of the film model, with whole paths: the next run may be in another folder."""
    try:
        checked = Video.model_validate(dict(video))
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        wrong = {"model": "--video-model"}.get(key, f"--{key}")
        told = {
            "size": "wanted width and height like 256x256",
            "memory": 'wanted "auto" or gigabytes like 8GB',
        }
        raise StudioError(
            f"{wrong}: {told.get(key, first['msg'])}, got {first['input']!r}", code=2
        ) from error
    return _located(checked, None).model_dump(mode="json", include=set(video))


def check_video(video: Mapping[str, Any]) -> None:
    """Raises StudioError for what was said of the film model and is wrong for every show."""
    said = _said(video)
    if "model" in said:
        check_model(said["model"], said.get("lora", ()))


def _located(video: Video, beside: Path | None) -> Video:
    """The same with the whole paths of the files that are there, in the working folder or `beside`."""
    model = None if video.model is None else resolve_source(video.model, beside)
    loras = [(resolve_source(file, beside), weight) for file, weight in map(parse_lora, video.lora)]
    return video.model_copy(
        update={"model": model, "lora": tuple(f"{file}:{each!r}" for file, each in loras)}
    )


def _own_steps() -> int:
    facts = describe_model(DEFAULT_MODEL)
    return facts.sampling[facts.speed].num_steps


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


def _read(path: Path) -> Premise:
    from scripts_llm.files.read import read_premise

    return read_premise(path)


def _last(options: EpisodeOptions) -> tuple[Path | None, Premise | None, str | None]:
    """The premise and the code of the episode that was worked on last; `next` stays `next`."""
    folder = last_one(options.output)
    memory = manifest.read_memory(folder)
    episode = options.episode or str(folder.code)
    path = Path(memory.premise_path) if memory.premise_path else None
    if path is not None and path.is_file():
        return path, None, episode
    if path is None and memory.premise:
        return None, Premise.model_validate(dict(memory.premise)), episode
    raise StudioError(
        f"{folder.root}: it was made from {path or 'a premise that is not remembered'}, which is not there "
        "any more; say where it is: --premise PATH",
        code=2,
    )


def last_one(output: Path) -> EpisodeFolder:
    """The episode that was worked on last."""
    folder = folders.last_worked_on(output)
    if folder is None:
        raise StudioError(
            f"wanted --premise PATH, because no episode was begun in {output} yet; "
            "coldopen new --from joe_and_the_don gives you one",
            code=2,
        )
    return folder


def episode_seed(show_seed: int, code: EpisodeCode) -> int:
    """An episode's own seed: the show's for the very first one, else one that follows from it."""
    is_first = code == EpisodeCode(1, 1)
    return show_seed if is_first else artifacts.seed_from("episode", show_seed, str(code))


Say = Callable[[str], None]


@dataclass(frozen=True)
class Written:
    """A script on disk, with the premise that knows its whole cast, and what the writing cost."""

    script: Script
    premise: Premise
    memory: EpisodeMemory
    calls: tuple[Call, ...] = ()
