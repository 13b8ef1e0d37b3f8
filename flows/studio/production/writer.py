"""A language model as the writer of an episode: its settings, its assignment, its calls."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.studio.cameras.facts import DEFAULT_MODEL
from flows.studio.errors import StudioError
from flows.studio.filming import prose
from flows.studio.filming.models import known_facts
from flows.studio.filming.vocabulary import film_words, writers_dialect
from flows.studio.production import story_memory
from flows.studio.production.episode import AUTO, Episode
from flows.studio.workspace.files import cache_folder
from scripts_llm.llm import capabilities, prices
from scripts_llm.llm.ask import Server
from scripts_llm.llm.client import Call, LLMError, LLMSettings
from scripts_llm.llm.retry import RetryPolicy
from scripts_llm.offline_writer import cast as casting
from scripts_llm.plain_text import one_line
from scripts_llm.screenplay.film_vocabulary import Dialect
from scripts_llm.screenplay.outline import Outline
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Scene, Script

if TYPE_CHECKING:
    from flows.studio.production.console import Say
    from scripts_llm.llm_writer.matter import Matter
    from scripts_llm.llm_writer.session import Assignment
    from scripts_llm.llm_writer.writer import WrittenScript

NO_SUGGESTIONS: Mapping[str, str] = {}


def settings_of(episode: Episode, retry_policy: RetryPolicy) -> LLMSettings | None:
    """The model that the episode asks for; None for the offline writer."""
    from scripts_llm.llm.settings import resolve_settings

    return resolve_settings(episode.own_premise.writer, os.environ, episode.writer, retry_policy=retry_policy)


def develop_outline(
    episode: Episode, premise: Premise, suggestions: Mapping[str, str], retry_policy: RetryPolicy
) -> WrittenOutline:
    """The episode's outline by the model that it asks for.

    Raises StudioError if that is none, or if it fails: there is no other writer of outlines.
    """
    from scripts_llm.llm_writer.outline import develop_outline

    try:
        settings = settings_of(episode, retry_policy)
        if settings is None:
            raise StudioError(
                "--until outline: wanted a language model, got the offline writer, which has no outline; "
                "try --writer MODEL@URL, or edit its script: --until script",
                code=2,
            )
        server = server_of(episode, settings, retry_policy)
        outline = develop_outline(assignment(episode, premise, suggestions), server)
    except LLMError as error:
        raise StudioError(f"--until outline: {one_line(str(error), 600)}") from error
    return WrittenOutline(outline, settings.model, tuple(server.calls))


@dataclass(frozen=True)
class WrittenOutline:
    """An outline, the model that wrote it, and the calls that it took."""

    outline: Outline
    author: str
    calls: tuple[Call, ...]


def read_outline(episode: Episode, premise: Premise | None = None) -> Outline | None:
    """The outline in the episode's folder, None if there is none. Raises ScriptError with every fault."""
    from scripts_llm.llm_writer.draft import Brief
    from scripts_llm.llm_writer.outline import load_outline

    if not episode.folder.outline.exists():
        return None
    full = premise or writers_premise(episode)[0]
    return load_outline(episode.folder.outline, Brief.from_premise(full, _dialect(episode)))


def writers_premise(episode: Episode) -> tuple[Premise, tuple[str, ...]]:
    """The premise with a whole cast for a new script, and what was assumed for that."""
    return casting.complete_premise(episode.own_premise, film_words(), seed=episode.seed)


def write_by_model(
    episode: Episode, premise: Premise, server: Server, *, suggestions: Mapping[str, str], say: Say
) -> WrittenScript:
    """The episode's script by this server's model, of the outline that lies in its folder, if one does.

    Raises ScriptError for an outline with faults, and LLMError; `server.calls` has the calls.
    """
    from scripts_llm.llm_writer import writer

    outline = read_outline(episode, premise)
    written = writer.write_script(assignment(episode, premise, suggestions), server, outline)
    for note in written.notes:
        say(note)
    return written


def rewrite_scene(
    episode: Episode,
    premise: Premise,
    script: Script,
    *,
    scene_id: str,
    note: str,
    say: Say,
    retry_policy: RetryPolicy,
) -> tuple[Scene, tuple[Call, ...]] | None:
    """One scene of a script, written again with a note; None if the offline writer is to write it.

    Raises StudioError if a model that was asked for by name fails; `auto` says why and answers None.
    """
    from scripts_llm.llm_writer import writer

    try:
        settings = settings_of(episode, retry_policy)
        if settings is None:
            return None
        server = server_of(episode, settings, retry_policy)
        scene = writer.rewrite_scene(assignment(episode, premise), server, script, scene_id, note)
    except LLMError as error:
        told = one_line(str(error), 600)
        if episode.writer != AUTO:
            raise StudioError(f"--writer {episode.writer}: {told}") from error
        say(f"{told}: the offline writer writes instead")
        return None
    return scene, tuple(server.calls)


def offer_alternates(
    episode: Episode,
    script: Script,
    index: int,
    *,
    count: int,
    seed: int,
    say: Say,
    retry_policy: RetryPolicy,
) -> tuple[tuple[str, ...], tuple[Call, ...]]:
    """Other last lines for the scene at `index` by the episode's writer, best first, and the calls.

    Raises StudioError if a model asked for by name fails; `auto` says why and asks the offline writer.
    """
    from scripts_llm.llm_writer import alternates
    from scripts_llm.offline_writer.pitches import buttons

    try:
        settings = settings_of(episode, retry_policy)
        if settings is not None:
            server = server_of(episode, settings, retry_policy)
            task = assignment(replace(episode, seed=seed), episode.premise)
            ranked, notes = alternates.offer_alternates(task, server, script, [index], count=count)
            for note in notes:
                say(note)
            texts = ranked[index].texts if index in ranked else ()
            now = {line.line for line in script.scenes[index].dialogue if isinstance(line, Line)}
            return tuple(text for text in texts if text not in now), tuple(server.calls)
    except LLMError as error:
        told = one_line(str(error), 600)
        if episode.writer != AUTO:
            raise StudioError(f"--writer {episode.writer}: {told}") from error
        say(f"{told}: the offline writer offers instead")
    return buttons.offer_buttons(episode.premise, film_words(), script, index, count=count, seed=seed), ()


def server_of(episode: Episode, settings: LLMSettings, retry_policy: RetryPolicy) -> Server:
    """The server with its model's price and known capabilities. Raises ScriptError."""
    known = prices.read_prices(prices.user_price_files(episode.premise_path))
    price = prices.find_price(known, settings)
    prices.require_price(settings, price)
    return Server(settings, price, retry_policy, cache_folder() / capabilities.FILE_NAME)


def assignment(
    episode: Episode, premise: Premise, suggestions: Mapping[str, str] = NO_SUGGESTIONS
) -> Assignment:
    """Everything that goes into the prompts: show, film model's dialect, earlier episodes, own templates.

    `suggestions` are the viewers', by name.
    """
    from scripts_llm.llm_writer.session import Assignment

    return Assignment(
        premise=premise,
        dialect=_dialect(episode),
        seed=episode.seed,
        episode=episode.folder.code.number,
        continuity=story_memory.read_continuity_before(episode),
        prompts=own_prompts(episode),
        raw=episode.folder.root / "writer-answer.txt",
        matter=_matter(premise),
        alternates=num_alternates(episode),
        suggestions=suggestions,
    )


def _matter(premise: Premise) -> Matter:
    """What the show's logline is about, as the offline writer reads it; the logline's own words name it."""
    from scripts_llm.llm_writer.matter import MOST_WORDS, Matter, matter_of_logline
    from scripts_llm.offline_writer.logline import read_premise

    plain, reading = matter_of_logline(premise), read_premise(premise)
    is_english = premise.language.lower().startswith("en")
    if reading is None or (reading.language == "en" and not is_english):  # nobody reads other languages
        return plain
    named = [reading.matter] if reading.matter.lower() in (premise.logline or "").lower() else []
    words = tuple(dict.fromkeys((*named, *plain.words)))[:MOST_WORDS]
    return Matter(
        who=reading.who,
        does=reading.facts.get("deed", ""),
        about=premise.logline or reading.matter,
        against=reading.against,
        words=words,
    )


def _dialect(episode: Episode) -> Dialect:
    """How prompts for the episode's film model are written."""
    facts = known_facts(episode.video_of_the_episode.model or DEFAULT_MODEL)
    if facts is None:
        return writers_dialect("short")
    most = prose.most_words(facts.prompt_tokens)
    return writers_dialect(facts.dialect, directed=facts.directed, most_words=most)


def num_alternates(episode: Episode) -> int:
    """How many more last lines the premise wants for every scene."""
    own = episode.own_premise.writer
    return (own.alternates if own else None) or 0


def own_prompts(episode: Episode) -> Path | None:
    """The folder of prompt templates beside the premise: `writer.template`, else `prompts`."""
    if episode.premise_path is None:
        return None
    named = episode.own_premise.writer.template if episode.own_premise.writer else None
    folder = episode.premise_path.parent / (named or "prompts")
    if folder.is_dir():
        return folder
    if named:
        wanted = f"{episode.premise_path}: writer.template: wanted a folder of prompts beside the premise"
        raise StudioError(f"{wanted}, got nothing at {folder}, try templates/prompts as a start", code=2)
    return None


def call_rows(calls: Sequence[Call]) -> list[dict[str, Any]]:
    """Calls as rows of the manifest; an unknown value is "n/a", never 0."""
    return [{key: "n/a" if value is None else value for key, value in asdict(call).items()} for call in calls]
