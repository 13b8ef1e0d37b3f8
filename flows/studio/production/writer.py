"""The language model at work on a job: what it is told, what bounds it, where its answers go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.studio.errors import StudioError
from flows.studio.filming.models import DEFAULT_MODEL
from flows.studio.filming.vocabulary import dialect_of, writers_dialect
from flows.studio.production.episode import AUTO, Job
from scripts_llm.llm import capabilities, prices
from scripts_llm.llm.ask import Server
from scripts_llm.llm.client import Call, LLMError, LLMSettings
from scripts_llm.llm.retry import RetryPolicy
from scripts_llm.plain_text import one_line
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Scene, Script

if TYPE_CHECKING:
    from flows.studio.production.episode import Say
    from scripts_llm.llm_writer.writer import Assignment, WrittenScript


def settings_of(job: Job, retry_policy: RetryPolicy) -> LLMSettings | None:
    """Which model the job asks for; None for the offline writer."""
    from scripts_llm.llm.settings import resolve_settings

    return resolve_settings(job.premise.writer, os.environ, job.writer, retry_policy=retry_policy)


def by_model(job: Job, premise: Premise, server: Server, *, say: Say) -> WrittenScript:
    """The episode's script by this server's model. Raises LLMError; the calls lie in `server.calls`."""
    from scripts_llm.llm_writer import writer

    written = writer.write_script(assignment(job, premise), server)
    for note in written.notes:
        say(note)
    return written


def scene_again(
    job: Job,
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
        settings = settings_of(job, retry_policy)
        if settings is None:
            return None
        server = server_of(job, settings, retry_policy)
        scene = writer.rewrite_scene(assignment(job, premise), server, script, scene_id, note)
    except LLMError as error:
        told = one_line(str(error), 600)
        if job.writer != AUTO:
            raise StudioError(f"--writer {job.writer}: {told}") from error
        say(f"{told}: the offline writer writes instead")
        return None
    return scene, tuple(server.calls)


def server_of(job: Job, settings: LLMSettings, retry_policy: RetryPolicy) -> Server:
    """The server with its model's price, and what is remembered of it. Raises ScriptError."""
    known = prices.read_prices(prices.user_price_files(job.premise_path))
    price = prices.find_price(known, settings)
    prices.require_price(settings, price)
    return Server(settings, price, retry_policy, capabilities.default_file())


def assignment(job: Job, premise: Premise) -> Assignment:
    """What the model is told: the show, the film model's dialect, the episodes before, one's own prompts."""
    from flows.studio.production import story_memory
    from scripts_llm.llm_writer.writer import Assignment

    return Assignment(
        premise=premise,
        dialect=writers_dialect(dialect_of(job.video_of_the_episode.model or DEFAULT_MODEL)),
        seed=job.seed,
        episode=job.folder.code.number,
        continuity=story_memory.so_far(job),
        prompts=own_prompts(job),
        raw=job.folder.root / "writer-answer.txt",
    )


def own_prompts(job: Job) -> Path | None:
    """The folder of prompts that lies beside the premise: `writer.template`, else `prompts`."""
    if job.premise_path is None:
        return None
    named = job.premise.writer.template if job.premise.writer else None
    folder = job.premise_path.parent / (named or "prompts")
    if folder.is_dir():
        return folder
    if named:
        wanted = f"{job.premise_path}: writer.template: wanted a folder of prompts beside the premise"
        raise StudioError(f"{wanted}, got nothing at {folder}, try templates/prompts as a start", code=2)
    return None


def call_rows(calls: Sequence[Call]) -> list[dict[str, Any]]:
    """Calls as the manifest has them: what is not known is n/a, never 0."""
    return [{key: "n/a" if value is None else value for key, value in asdict(call).items()} for call in calls]
