"""An episode for those who finish it in an editor: the timeline as OpenTimelineIO beside its stems."""

from __future__ import annotations

from pathlib import Path

from flows import begin, survey
from flows import job as jobs
from flows.options import EpisodeOptions
from flows.screen import Screen
from flows.studio import folder, recipes
from flows.studio.errors import StudioError
from flows.studio.handoff import hand_off
from flows.survey import Survey


def export_otio(options: EpisodeOptions, screen: Screen) -> Path:
    """Writes `episode.otio`, `timeline.txt` and `stems/` into the episode's folder. Films and cuts nothing.

    Raises StudioError, with the command that helps, for an episode that is not made as its script is now.
    """
    job = jobs.prepare(begin.on_the_last_one(options))
    state = survey.look(job) if job.folder.script.exists() else None
    again = f"run it first: {begin.command(job)}"
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
    there = recipes.shelf(state.job.folder.segments, ".mp4")
    kept = {span.id: there.get(recipes.digest(recipe)) for span, recipe in state.edit().segments}
    return {name: made.path if made else None for name, made in kept.items()}
