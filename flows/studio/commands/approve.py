"""`approve`: marks shots for the camera of a premise with `video: {approve: true}`, and takes marks back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flows.studio.errors import StudioError
from flows.studio.filming.shots import PlannedShot
from flows.studio.production import messages
from flows.studio.production.console import count
from flows.studio.production.episode import Episode, on_the_last_one
from flows.studio.production.plan import Plan, make_plan
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.production.script import complete_script, preview_complete_script
from flows.studio.workspace import files, folder, manifest
from flows.studio.workspace.files import hash_if_present
from scripts_llm.errors import suggest
from scripts_llm.files import edit

ALL = "all"


def approve(request: EpisodeRequest, names: Sequence[str], *, undo: bool) -> Outcome:
    """Marks shots (s04.2), the shots of scenes (s04) or all of them as approved in script.yaml.

    With `undo` it takes their marks away; without names it lists what is approved and writes nothing.
    Raises StudioError for a name that is no shot and no scene, and marks nothing then.
    """
    episode = Episode.open(on_the_last_one(request))
    script = episode.folder.script
    if not episode.has_script:
        raise StudioError(
            f"{script}: wanted a script, there is none yet; {messages.command(episode)}", code=2
        )
    if not names:
        return _list(make_plan(preview_complete_script(episode)[0]))
    with folder.locked(episode.folder), files.disk_errors(episode.folder.root):
        plan = make_plan(complete_script(episode))
        shots = _find_shots(names, plan)
        _mark(plan, [shot for shot in shots if shot.shot.approved == undo], approved=not undo)
        plan = make_plan(complete_script(episode))
    labels = ", ".join(shot.label for shot in shots)
    told = f"{labels}: {'not approved any more' if undo else 'approved'}"
    return Outcome(0, script, (told, *_state(plan), messages.command(episode)))


def _find_shots(names: Sequence[str], plan: Plan) -> list[PlannedShot]:
    """The filmed shots of these names, in the script's order, each once."""
    filmed = [shot for shot in plan.shots if shot.file is None]
    chosen: set[str] = set()
    for name in names:
        found = {shot.label for shot in filmed if name in (ALL, shot.label, shot.scene.id)}
        if not found:
            raise StudioError(f"{plan.episode.folder.script}: {_unknown(name, plan)}", code=2)
        chosen |= found
    return [shot for shot in filmed if shot.label in chosen]


def _unknown(name: str, plan: Plan) -> str:
    own = next((shot for shot in plan.shots if shot.label == name), None)
    if own is not None:
        return f"{name} is the file {own.shot.file}: there is nothing to approve"
    known = [*dict.fromkeys(str(shot.scene.id) for shot in plan.shots), *(shot.label for shot in plan.shots)]
    close = suggest(name, known, cutoff=0.5)
    hint = f"did you mean {close}?" if close else f"there are {', '.join(known[:20])}"
    return f"wanted a shot like s04.2, a scene like s04, or all, got {name!r}, {hint}"


def _mark(plan: Plan, shots: Sequence[PlannedShot], *, approved: bool) -> None:
    """Writes the marks into the script, which stays the program's own if it was."""
    episode, path = plan.episode, plan.episode.folder.script
    if not shots:
        return
    scenes = {scene.id: index for index, scene in enumerate(plan.script.scenes)}
    places = [(scenes[shot.scene.id], int(shot.label.rpartition(".")[2]) - 1) for shot in shots]
    is_ours = hash_if_present(path) == episode.memory.program_script
    edit.set_approved(path, places, approved=approved)
    if is_ours:
        episode = replace(episode, memory=manifest.with_script_hash(episode.memory, path))
    manifest.write(episode.folder, episode.memory)


def _list(plan: Plan) -> Outcome:
    """The labels that are approved and those that wait."""
    rows = []
    for is_approved, word in ((True, "approved"), (False, "waiting")):
        labels = [s.label for s in plan.shots if s.file is None and s.shot.approved == is_approved]
        rows.append(f"  {word}: {', '.join(labels) or 'none'}")
    head = f"{plan.episode.name}, {count(len(plan.shots), 'shot')}:"
    return Outcome(0, None, (head, *rows, *_state(plan)))


def _state(plan: Plan) -> tuple[str, ...]:
    """What the marks mean for the next run."""
    if plan.draft is not None:
        return messages.describe_approvals(plan)
    where = plan.episode.premise_path or "the premise"
    return (
        f"{where} does not wait for approvals, every shot is filmed by {plan.film.title}; to wait: "
        "`video: {camera: MODEL, approve: true}`",
    )
