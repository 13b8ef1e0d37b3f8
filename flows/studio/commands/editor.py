"""An episode for those who finish it in an editor: the timeline as OpenTimelineIO beside its stems."""

from __future__ import annotations

from pathlib import Path

from flows.studio.commands.handoff import hand_off
from flows.studio.errors import StudioError
from flows.studio.production import episode, messages, plan
from flows.studio.production.console import Screen
from flows.studio.production.plan import Survey
from flows.studio.production.request import EpisodeOptions
from flows.studio.workspace import artifacts, folder


def export_otio(options: EpisodeOptions, screen: Screen) -> Path:
    """Writes `episode.otio`, `timeline.txt` and `stems/` into the episode's folder. Films and cuts nothing.

    Raises StudioError, with the command that helps, for an episode that is not made as its script is now.
    """
    job = episode.prepare(messages.on_the_last_one(options))
    state = plan.look(job) if job.folder.script.exists() else None
    again = f"run it first: {messages.command(job)}"
    if state is None or state.is_meme or state.plan.todo:
        lacks = "a meme" if state is not None and state.is_meme else "one that is not finished"
        raise StudioError(f"{job.name}: wanted an episode with a cut, got {lacks}; {again}", code=2)
    segments = _segments(state)
    if missing := [name for name, path in segments.items() if path is None]:
        raise StudioError(f"{job.name}: {', '.join(missing)} changed since the cut; {again}", code=2)
    found = {name: path for name, path in segments.items() if path is not None}
    with folder.locked(job.folder), folder.disk_errors(job.folder.root):
        return hand_off(
            state.edit(), found, job.folder, on_stem=lambda name: screen.progress(f"writing the stem {name}")
        )


def _segments(state: Survey) -> dict[str, Path | None]:
    """The encoded spans by name; None for one that is not made as it is now."""
    there = artifacts.shelf(state.job.folder.segments, ".mp4")
    kept = {span.id: there.get(artifacts.digest(recipe)) for span, recipe in state.edit().segments}
    return {name: made.path if made else None for name, made in kept.items()}
