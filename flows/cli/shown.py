"""Commands as jobs of the board: what a terminal or a night does is seen, and stopped, on its pages too.

Where an output folder has no board, nothing is written and nothing is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.studio.production.console import Console
from flows.studio.production.request import OUTPUT, PREMISES, EpisodeRequest, Outcome

if TYPE_CHECKING:
    from flows.studio.commands.clip import ClipOptions
    from flows.studio.production.episode import Episode


def has_board(output: Path) -> bool:
    """Whether a board was ever opened for an output folder."""
    return (output / ".board" / "key").exists()


def journal(
    output: Path, kind: str, options: Mapping[str, Any], console: Console, *, title: str, episode: str = ""
) -> AbstractContextManager[list[Outcome]]:
    """A block whose run is a job of the board, if there is one; it puts its outcome into the list."""
    if not has_board(output):
        return nullcontext([])
    from flows.api.jobs.journal import from_a_terminal

    return from_a_terminal(output, kind, options, title=title, episode=episode, console=console)


def journal_of_episode(
    episode: Episode, kind: str, console: Console, **details: Any
) -> AbstractContextManager[list[Outcome]]:
    """The same for a run on an episode; `details` are options of the job, as its worker reads them."""
    folder = episode.folder
    options = {"code": str(folder.code), "folder": str(folder.root.absolute()), **details}
    if episode.premise_path is not None:
        options["premise"] = str(episode.premise_path.absolute())
    if episode.is_meme:
        options["meme"] = True
        if episode.request.meme is not None:
            options["meme_text"] = episode.request.meme.model_dump()
    detail = next((str(details[key]) for key in ("shot", "line", "scene", "aspect") if details.get(key)), "")
    return journal(
        episode.output,
        kind,
        {key: value for key, value in options.items() if value},
        console,
        title=f"{episode.name} {detail}".strip(),
        episode=f"{folder.root.parent.name}/{folder.code}",
    )


def run_shown(
    kind: str, request: EpisodeRequest, console: Console, work: Callable[[], Outcome], **details: Any
) -> Outcome:
    """Runs a command on an episode that is there; it is a job of the board, if there is one."""
    if not has_board(request.output):
        return work()
    from flows.studio.production.episode import Episode, on_the_last_one

    episode = Episode.open(on_the_last_one(request))
    with journal_of_episode(episode, kind, console, **details) as outcomes:
        outcomes.append(work())
        return outcomes[0]


def film_shown(
    prompt: str | None, options: ClipOptions, console: Console, work: Callable[[], tuple[Path, ...]]
) -> None:
    """Films clips of a terminal; they are a job of the board of `output/`, if there is one."""
    if not has_board(OUTPUT):
        work()
        return
    from flows.api.clips.shelf import Shelf, as_controls, new_name
    from flows.studio.commands.clip import look_of

    values, lost = as_controls(look_of(options), Shelf.of(OUTPUT, PREMISES))
    lost += tuple(
        f"{name}: {path}"
        for name, path in (("prompts_file", options.prompts_file), ("like", options.like))
        if path is not None
    )
    said = prompt or next((path.name for path in (options.prompts_file, options.like) if path), "")
    job = {**values, "prompt": said, "name": new_name(said), "premises": str(PREMISES.absolute())}
    if lost:
        job["lost"] = list(lost)
    with journal(OUTPUT, "clip", job, console, title=said[:80]) as outcomes:
        made = work()
        outcomes.append(Outcome(0, made[0], tuple(str(path.absolute()) for path in made)))
