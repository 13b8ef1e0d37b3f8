"""Builds the storyboard of an episode: from the plan that a run would make, with nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from flows.api.storyboard import approvals, episodes, undo
from flows.api.storyboard.digests import digest_of
from flows.api.storyboard.model import Board, FilmFile, Head, LineCard, Reason, SceneCard, ShotCard, TakeCard
from flows.studio.errors import StudioError
from flows.studio.farm import orders
from flows.studio.farm.orders import Model
from flows.studio.filming import auto_takes, hosted_shots, takes
from flows.studio.filming.shots import PlannedShot
from flows.studio.hosted.jobs import Jobs
from flows.studio.production.episode import Episode
from flows.studio.production.errors import describe_error
from flows.studio.production.plan import Plan, make_plan
from flows.studio.production.script import is_complete, preview_complete_script, read_script
from flows.studio.voice.lines import PlannedLine
from flows.studio.workspace import files
from flows.studio.workspace.folder import EpisodeFolder, holder
from scripts_llm.errors import ScriptError
from scripts_llm.screenplay.premise import display_name
from scripts_llm.screenplay.script import Beat, Line, Scene, Shot
from scripts_llm.screenplay.timing import scene_seconds

NUM_COLOURS = 6
MOST_REASONS = 60


@dataclass(frozen=True)
class _Sources:
    """What cards are made from, each looked up once."""

    plan: Plan | None
    shots: Mapping[str, PlannedShot]
    lines: Mapping[tuple[str, int], PlannedLine]
    why: Mapping[str, str]
    seeds: takes.Seeds
    names: Mapping[str, str]
    approved: Mapping[str, str]


def build_board(folder: EpisodeFolder, output: Path, before: Board | None) -> Board:
    """The storyboard of an episode; where a file has a fault, that of `before` with the fault."""
    name = episodes.name_of(folder)
    manifest = files.read_json(folder.manifest) or {}
    empty = Board(
        name, str(manifest.get("show") or folder.root.parent.name), str(folder.code), "", "", (), Head()
    )
    try:
        episode = Episode.open(episodes.request_of(folder, output))
        board = replace(
            empty,
            show=episode.own_premise.show,
            is_meme=episode.is_meme,
            aspect=episode.own_premise.format.aspect,
        )
        if episode.has_script:
            board = _with_script(board, episode, output)
    except (ScriptError, StudioError, OSError) as error:
        fault = _fault(error, folder)
        kept = before if before is not None else empty
        board = replace(kept, fault=fault)
    head = replace(board.head, worked_on=holder(folder) or "", undo=undo.offer(folder, output))
    board = replace(board, head=head, films=_films(folder))
    return replace(board, parts=_parts(board))


def _with_script(board: Board, episode: Episode, output: Path) -> Board:
    episode = read_script(episode)
    assert episode.script is not None
    is_whole = is_complete(episode.script)
    episode, _ = preview_complete_script(episode)
    script = episode.script
    assert script is not None
    fault, plan = "", None
    try:
        plan = make_plan(episode)
    except StudioError as error:  # a file of one's own that is gone: the words are shown all the same
        fault = _fault(error, episode.folder)
    sources = _sources(episode, plan, approvals.read(output, board.name))
    return replace(
        board,
        title=script.title,
        logline=script.logline or episode.own_premise.logline or "",
        scenes=tuple(_scene_card(scene, sources) for scene in script.scenes),
        head=_head(plan) if plan is not None else Head(),
        cast=tuple(sources.names.items()),
        model=plan.film.title if plan is not None else "",
        film_model=_film_model(plan),
        waits_for_approval=plan is not None and plan.draft is not None,
        is_complete=is_whole,
        fault=fault,
    )


def _film_model(plan: Plan | None) -> Model | None:
    """The film model that cameras of a farm need; None for a film that they do not make."""
    if plan is None or plan.film.is_hosted:
        return None
    try:
        return orders.model_of(plan.film)
    except StudioError:  # a LoRA that is gone: the plan says so
        return None


def _fault(error: Exception, folder: EpisodeFolder) -> str:
    """The first line of an error, with files of the episode by their names."""
    known = describe_error(error)
    line = (known[0] if known else f"{type(error).__name__}: {error}").splitlines()[0]
    return line.replace(f"{folder.root}/", "")


def _sources(episode: Episode, plan: Plan | None, approved: Mapping[str, str]) -> _Sources:
    names = {key: display_name(key, who) for key, who in episode.premise.characters.items()}
    if plan is None:
        return _Sources(None, {}, {}, {}, {}, names, approved)
    return _Sources(
        plan,
        {shot.label: shot for shot in plan.shots},
        {(str(line.scene.id), line.index): line for line in plan.lines},
        {one.label: one.why for one in plan.missing},
        takes.seeds_of_clips(plan.clips),
        names,
        approved,
    )


def _head(plan: Plan) -> Head:
    has_film = plan.episode.folder.film.exists()
    return Head(
        num_shots=plan.num_missing_clips,
        num_lines=plan.num_missing_voices,
        num_kept=plan.num_stored,
        seconds=plan.filming_seconds,
        dollars=_dollars(plan),
        reasons=tuple(Reason(one.label, one.why) for one in plan.missing[:MOST_REASONS]),
        is_done=has_film and plan.is_done(None),
        has_film=has_film,
        gags=tuple(shot.label for shot in plan.shots if shot.digest in plan.failed),
    )


def _dollars(plan: Plan) -> float | None:
    """What services will cost; None if one of them has no known price."""
    jobs = Jobs(plan.episode.folder.jobs)
    costs = [hosted_shots.dollars_of(film, shots, jobs) for film, shots in plan.missing_by_film.items()]
    return None if None in costs else sum(cost or 0 for cost in costs)


# -------------------------------------------------------------------------------------------------- cards


def _scene_card(scene: Scene, sources: _Sources) -> SceneCard:
    shots = tuple(
        _shot_card(scene, number, shot, sources) for number, shot in enumerate(scene.shots or (), start=1)
    )
    elements = []
    number = 0
    for index, element in enumerate(scene.dialogue):
        number += isinstance(element, Line)
        elements.append(_line_card(scene, index, number, element, sources))
    marks: Any = {"id": True, "skip": True, "lock": True, "shots": {"__all__": {"approved"}}}
    words = scene.model_dump(mode="json", exclude=marks, exclude_defaults=True)
    content = digest_of([words, [shot.digest for shot in shots]])
    return SceneCard(
        id=str(scene.id or ""),
        slugline=scene.slugline,
        setting=scene.setting,
        part=(scene.part or "").replace("_", " "),
        action=scene.action,
        shots=shots,
        lines=tuple(elements),
        skip=scene.skip,
        lock=scene.lock,
        seconds=round(scene_seconds(scene), 1),
        content=content,
        is_approved=sources.approved.get(str(scene.id)) == content,
    )


def _shot_card(scene: Scene, number: int, shot: Shot, sources: _Sources) -> ShotCard:
    label = f"{scene.id}.{number}"
    planned, plan = sources.shots.get(label), sources.plan
    clip = plan.clips.get(planned.digest) if plan is not None and planned is not None else None
    stored: tuple[PlannedShot, ...] = ()
    if plan is not None and planned is not None and planned.file is None:
        stored = takes.stored_takes(planned, plan.clips, sources.seeds)
    key = (
        "prompt_exact" if shot.prompt_exact is not None else "prompt" if shot.prompt is not None else "action"
    )
    seed = None
    if planned is not None and planned.file is None:
        seed = planned.seed if clip is None else auto_takes.filmed_seed(planned.seed, clip.notes)
    return ShotCard(
        label=label,
        index=number - 1,
        key=key,
        prompt=shot.prompt_exact or shot.prompt or scene.action,
        understood=planned.prompt if planned is not None else "",
        size=shot.size,
        who=sources.names.get(shot.who or "", shot.who),
        fit=shot.fit,
        seed=seed,
        own_seed=shot.seed,
        file=shot.file,
        digest=planned.digest if planned is not None and clip is not None else None,
        why=sources.why.get(label),
        pick=shot.pick or 1,
        own_pick=shot.pick,
        is_approved=shot.approved,
        takes=tuple(_take_card(take, plan) for take in stored) if plan is not None else (),
        seconds=clip.notes.get("seconds") if clip is not None else None,
    )


def _take_card(take: PlannedShot, plan: Plan) -> TakeCard:
    notes = plan.clips[take.digest].notes
    seed = auto_takes.filmed_seed(take.seed, notes)
    return TakeCard(
        take.take, take.digest, seed, auto_takes.describe_takes(notes) or "", notes.get("seconds")
    )


def _line_card(scene: Scene, index: int, number: int, element: Line | Beat, sources: _Sources) -> LineCard:
    if isinstance(element, Beat):
        return LineCard(f"{scene.id}-beat-{index}", index, beat=element.beat, laugh=element.laugh)
    label = f"{scene.id}-{number:02d}"
    planned, plan = sources.lines.get((str(scene.id), index)), sources.plan
    voice = plan.voices.get(planned.digest) if plan is not None and planned is not None else None
    keys = list(sources.names)
    return LineCard(
        label=label,
        index=index,
        who=element.who,
        name=sources.names.get(element.who, element.who),
        colour=keys.index(element.who) % NUM_COLOURS if element.who in keys else 0,
        line=element.line,
        parenthetical=element.parenthetical,
        laugh=element.laugh,
        file=element.file,
        wav=planned.digest if planned is not None and voice is not None else None,
        why=sources.why.get(label),
        is_murmured=bool(voice and voice.notes.get("murmured")),
        alternates=element.alternates,
    )


# ------------------------------------------------------------------------------------------- films, parts


def _films(folder: EpisodeFolder) -> tuple[FilmFile, ...]:
    """The films that lie in the folder: the episode, its draft, other shapes, gifs."""
    found = []
    for path in sorted(folder.root.iterdir()) if folder.root.is_dir() else ():
        if path.suffix not in (".mp4", ".gif") or path.name.startswith("."):
            continue
        shape = path.stem.removeprefix("episode").strip(".").replace("x", ":") or "film"
        captions = path.with_suffix(".vtt")
        if not captions.exists() and "." in path.stem:
            captions = folder.vtt
        has_captions = captions.exists() and path.suffix == ".mp4" and "-" not in path.stem
        found.append(
            FilmFile(
                path.name,
                "gif" if path.suffix == ".gif" else shape,
                path.stat().st_mtime_ns,
                captions.name if has_captions else None,
            )
        )
    return tuple(sorted(found, key=lambda film: (film.name != "episode.mp4", film.name)))


def _parts(board: Board) -> dict[str, str]:
    """The digest of each part of the page: the scenes by their ids, in order, and the head."""
    head = [
        asdict(board.head),
        board.title,
        board.logline,
        board.fault,
        board.num_approved,
        len(board.scenes),
    ]
    scenes = {scene.id: digest_of(asdict(scene)) for scene in board.scenes}
    return {**scenes, "": digest_of([head, [asdict(film) for film in board.films]])}
