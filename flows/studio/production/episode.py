"""An episode: its request, premise, script, memory and folder, opened once and passed on.

Opening writes nothing and needs neither Prefect nor torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from flows.studio.cameras.facts import DEFAULT_MODEL
from flows.studio.errors import StudioError
from flows.studio.filming.models import describe_model, resolve_source
from flows.studio.filming.settings import check_model, draft_video, parse_lora
from flows.studio.filming.vocabulary import film_words
from flows.studio.hosted.jobs import Jobs
from flows.studio.production.request import EpisodeRequest, MemeText
from flows.studio.voice.catalog import default_speaker
from flows.studio.voice.settings import Speaker
from flows.studio.workspace import artifacts, manifest
from flows.studio.workspace import folder as folders
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder
from flows.studio.workspace.manifest import EpisodeMemory
from scripts_llm.files.read import find_positions, read_premise
from scripts_llm.llm.settings import refuse_secrets
from scripts_llm.offline_writer import cast as casting
from scripts_llm.screenplay.premise import Character, Meme, Premise
from scripts_llm.screenplay.script import Script
from scripts_llm.screenplay.video import Video, find_lora_tag

if TYPE_CHECKING:
    from scripts_llm.llm.client import Call

AUTO = "auto"
VIDEO_MODEL = "COLDOPEN_VIDEO_MODEL"


@dataclass(frozen=True)
class Episode:
    """One episode as a run finds it.

    `own_premise` is the premise as its file has it, `premise` the same with everybody who plays. `seed` is
    the show's: the scripts of all its episodes come from it. `script` is None until it is read or written,
    and `calls` are those of the writer that wrote it in this run. `spent` are the dollars that films by
    services may have cost when it was opened.
    """

    request: EpisodeRequest
    own_premise: Premise
    premise_path: Path | None
    folder: EpisodeFolder
    memory: EpisodeMemory
    seed: int
    script: Script | None = None
    calls: tuple[Call, ...] = ()
    spent: float = 0.0

    @classmethod
    def open(cls, request: EpisodeRequest, premise: Premise | None = None) -> Episode:
        """The episode that a request asks for. A premise that is no file may be handed over.

        Raises ScriptError for a premise with faults, StudioError for an episode that is not there.
        """
        if premise is None and request.meme is not None:
            premise = _premise_of_a_meme(request.meme, request.premise)
        path, code = request.premise, request.episode
        if premise is None and path is None:
            path, premise, code = _last_worked_on(request)
        elif premise is None and path is not None:
            premise = read_premise(path)
        assert premise is not None
        refuse_secrets(premise.writer, request.writer)
        chosen = folders.choose_episode(request.output, premise.show, season=premise.season, wanted=code)
        folder = replace(chosen, draft=request.draft)
        memory = _memory(manifest.read_memory(folder), request, premise, path)
        seeds = (memory.seed, premise.seed, artifacts.seed_from("show", premise.show))
        seed = next(seed for seed in seeds if seed is not None)
        return cls(request, premise, path, folder, memory, seed, spent=Jobs(folder.jobs).spent)

    @property
    def name(self) -> str:
        """Show and code: "Joe and the Don s01e03"."""
        return f"{self.own_premise.show} {self.folder.code}"

    @property
    def writer(self) -> str:
        """The writer: "auto", "offline", or a model."""
        return self.memory.writer or AUTO

    @property
    def output(self) -> Path:
        """The folder of all shows."""
        return self.folder.root.parent.parent

    @property
    def has_script(self) -> bool:
        """Whether there is a script.yaml."""
        return self.folder.script.exists()

    @cached_property
    def premise(self) -> Premise:
        """The premise with everybody who plays in the script; the person's own words win."""
        if self.script is None:
            return self.own_premise
        return whole_cast(self.own_premise, self.script, seed=self.seed)

    @property
    def is_meme(self) -> bool:
        """Whether its film is a loop with two texts."""
        return self.own_premise.genre == "meme"

    @property
    def film_seed(self) -> int:
        """The seed that shots come from: the first episode's is the show's own."""
        own = self.own_premise.video.seed
        return episode_seed(self.seed, self.folder.code) if own is None else own

    @property
    def sound_seed(self) -> int:
        """The seed that laughs and music come from."""
        return episode_seed(self.seed, self.folder.code)

    @property
    def speaker(self) -> Speaker:
        """The speaker of characters without a `voice:`."""
        return "kokoro" if self.memory.speaker == "kokoro" else "embedded"

    @property
    def user_folders(self) -> tuple[Path, ...]:
        """The folders of a person's own clips and recordings: beside the script, beside the premise."""
        beside = (self.premise_path.parent,) if self.premise_path else ()
        return (self.folder.root, *beside)

    @property
    def video(self) -> Video:
        """The film settings: those of the command line, then those of the premise.

        A draft is filmed by the draft's model, TOON, with that model's own settings, whatever else is set.
        """
        own = self.video_of_the_episode
        return draft_video(own) if self.folder.draft else own

    @property
    def max_cost(self) -> float | None:
        """US dollars that all films by services may cost: the premise's bound or this run's, the lesser."""
        of_run = self.request.max_cost
        bounds = [self.video.max_cost, None if of_run is None else self.spent + of_run]
        return min((bound for bound in bounds if bound is not None), default=None)

    @property
    def video_of_the_draft(self) -> Video | None:
        """The film settings of shots that wait for an approval; None where none is asked for."""
        own = self.video_of_the_episode
        draft = draft_video(own)
        return draft if own.approve and not self.folder.draft and draft is not own else None

    @property
    def video_of_the_episode(self) -> Video:
        """The film settings of the episode itself; a draft's script is written and checked for them, too."""
        video = self.own_premise.video
        named = {"model": video.camera or video.model or self.memory.film_model or DEFAULT_MODEL}
        remembered = dict(self.memory.video or {})
        if video.max_cost is not None and "max_cost" not in self.request.video:
            remembered.pop("max_cost", None)  # a bound on money is the premise's, not of a run long ago
        whole = video.model_copy(update={"camera": None, **named, **remembered})
        return _with_whole_paths(whole, self.premise_path.parent if self.premise_path else None)

    def location_of(self, *keys: str) -> str:
        """A key of the premise as an error names it: with file, line and column, if it came from a file."""
        key = ".".join(keys)
        if self.premise_path is None:
            return key
        line, column = find_positions(self.premise_path, [keys])[0]
        return f"{self.premise_path}:{line}:{column}: {key}"

    def remember(self, **values: Any) -> Episode:
        """The episode with other values in its memory; written with the next chapter of the manifest."""
        return replace(self, memory=replace(self.memory, **values))


def episode_seed(show_seed: int, code: EpisodeCode) -> int:
    """An episode's own seed: the show's for the very first one, else one derived from it."""
    is_first = code == EpisodeCode(1, 1)
    return show_seed if is_first else artifacts.seed_from("episode", show_seed, str(code))


def time_is_up(stop_at: datetime | None) -> bool:
    """Whether `stop_at` has passed; without one it never does."""
    return stop_at is not None and datetime.now().astimezone() >= stop_at


def on_the_last_one(request: EpisodeRequest) -> EpisodeRequest:
    """The request with the premise and the episode that were worked on last, if it names no premise."""
    if request.premise is not None:
        return request
    folder = last_one(request.output)
    path = manifest.read_memory(folder).premise_path
    update = {"premise": Path(path) if path else None, "episode": request.episode or str(folder.code)}
    return request.model_copy(update=update)


def last_one(output: Path) -> EpisodeFolder:
    """The episode that was worked on last. Raises StudioError if there is none."""
    folder = folders.last_worked_on(output)
    if folder is None:
        raise StudioError(
            f"wanted --premise PATH, because no episode was begun in {output} yet; "
            "coldopen new --from joe_and_the_don gives you one",
            code=2,
        )
    return folder


def check_video(video: Mapping[str, Any]) -> None:
    """Raises StudioError for film settings of the command line that are wrong for every show."""
    checked = _checked_video(video)
    if "model" in checked:
        check_model(checked["model"], checked.get("lora", ()))


def _last_worked_on(request: EpisodeRequest) -> tuple[Path | None, Premise | None, str | None]:
    """Premise file, premise and code of the episode that was worked on last; `next` stays `next`."""
    folder = last_one(request.output)
    memory = manifest.read_memory(folder)
    code = request.episode or str(folder.code)
    path = Path(memory.premise_path) if memory.premise_path else None
    if path is not None and path.is_file():
        return path, read_premise(path), code
    if path is None and memory.premise:
        return None, Premise.model_validate(dict(memory.premise)), code
    raise StudioError(
        f"{folder.root}: it was made from {path or 'a premise that is not remembered'}, which is not there "
        "any more; say where it is: --premise PATH",
        code=2,
    )


def _premise_of_a_meme(text: MemeText, path: Path | None) -> Premise:
    """The premise of a meme that has no file: its picture is its name. Raises StudioError."""
    if path is not None:
        raise StudioError("meme: wanted --premise or --picture, got both; leave one out", code=2)
    for name, longest in (("picture", 240), ("top", 120), ("bottom", 120), ("bar", 120)):
        value: str = getattr(text, name)
        if len(value) > longest or (name == "picture" and not value.strip()):
            got = f"{len(value)} letters" if value.strip() else "nothing"
            raise StudioError(f"--{name}: wanted a text of at most {longest} letters, got {got}", code=2)
    if tag := find_lora_tag(text.picture):
        raise StudioError(f"--picture: a LoRA is no word of a prompt: {tag[0]}, try --lora {tag[1]}", code=2)
    meme = Meme(picture=text.picture, top=text.top, bottom=text.bottom, bar=text.bar)
    return Premise(schema=1, show=f"meme: {text.picture}"[:80], genre="meme", meme=meme)


# ---------------------------------------------------------------------------------------------- cast


def whole_cast(premise: Premise, script: Script | None, *, seed: int) -> Premise:
    """The premise with everybody who plays, no look or set missing; the person's own words win."""
    invented = dict(script.cast) if script else {}
    characters = {
        key: _merge(premise.characters.get(key), invented.get(key))
        for key in {**premise.characters, **invented}
    }
    full = premise.model_copy(update={"characters": characters})
    if full.genre == "meme":
        return full
    filled, _ = casting.complete_premise(full, film_words(), seed=seed)
    known = {key: who for key, who in filled.characters.items() if not characters or key in characters}
    return filled.model_copy(update={"characters": known})


def invented_characters(full: Premise, premise: Premise) -> dict[str, Character]:
    """Whole characters that the premise lacks, and of its own ones only what they leave open."""
    invented: dict[str, Character] = {}
    for key, character in full.characters.items():
        own = premise.characters.get(key)
        given = {name for name, value in own if value is not None} if own else set()
        rest = {name: value for name, value in character if value is not None and name not in given}
        if rest:
            invented[key] = Character(**rest)
    return invented


def _merge(own: Character | None, invented: Character | None) -> Character:
    if own is None or invented is None:
        return own or invented or Character()
    return invented.model_copy(update={key: value for key, value in own if value is not None})


# -------------------------------------------------------------------------------------------- memory


def _memory(
    before: EpisodeMemory, request: EpisodeRequest, premise: Premise, path: Path | None
) -> EpisodeMemory:
    """The memory with what this request says; what it does not say keeps its value."""
    return replace(
        before,
        premise_path=str(path.absolute()) if path else None,
        premise=premise.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        seed=before.seed if request.seed is None else request.seed,
        writer=request.writer or before.writer,
        film_model=before.film_model or resolve_source(os.environ.get(VIDEO_MODEL) or DEFAULT_MODEL),
        speaker=default_speaker(before.speaker or ("embedded" if before.film_model else None)),
        num_steps=before.num_steps or _own_steps(),
        size=premise.format.size or premise.format.aspect,
        video={**(before.video or {}), **_checked_video(request.video)} or None,
    )


def _checked_video(video: Mapping[str, Any]) -> dict[str, Any]:
    """Film settings of the command line, with whole paths: the next run may be in another folder.

    Raises StudioError that names the option.
    """
    try:
        checked = Video.model_validate(dict(video))
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        option = {"model": "--video-model"}.get(key, f"--{key}")
        wanted = {
            "size": "wanted width and height like 256x256",
            "memory": 'wanted "auto" or gigabytes like 8GB',
        }
        raise StudioError(
            f"{option}: {wanted.get(key, first['msg'])}, got {first['input']!r}", code=2
        ) from error
    return _with_whole_paths(checked, None).model_dump(mode="json", include=set(video))


def _with_whole_paths(video: Video, beside: Path | None) -> Video:
    """The same with the whole paths of the files that exist, in the working folder or `beside`."""
    sources = {"model": video.model, "camera": video.camera, "draft": video.draft}
    whole = {key: resolve_source(source, beside) for key, source in sources.items() if source is not None}
    loras = [(resolve_source(file, beside), weight) for file, weight in map(parse_lora, video.lora)]
    return video.model_copy(update={**whole, "lora": tuple(f"{file}:{each!r}" for file, each in loras)})


def _own_steps() -> int:
    """The steps that the default film model takes by itself."""
    facts = describe_model(DEFAULT_MODEL)
    return facts.sampling[facts.speed].num_steps
