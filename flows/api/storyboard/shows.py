"""New shows and new episodes: a premise is written, an episode begun, its script written or asked for."""

from __future__ import annotations

from pathlib import Path

from flows.api.jobs.errors import NotThere
from flows.api.storyboard.episodes import name_of
from flows.studio.commands import new
from flows.studio.filming.models import LoadedModels
from flows.studio.production import messages, run
from flows.studio.production import script as scripts
from flows.studio.production.console import Console
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest
from flows.studio.production.steps import LocalSteps
from flows.studio.workspace import folder as folders
from flows.studio.workspace import manifest
from flows.studio.workspace.files import disk_errors


def premise_of(logline: str | None, shipped: str | None, premises: Path) -> Path:
    """The premise file of a new show: written from a logline, or a shipped one's copy.

    Raises ScriptError for a logline whose file is there already.
    """
    if logline is not None:
        return new.write_new(logline, premises)
    known = new.shipped()
    if shipped not in known:
        raise NotThere(f"no shipped premise is called {str(shipped)[:40]!r}")
    path = premises / known[shipped].name
    return path if path.exists() else new.copy_shipped(shipped, premises)


def premise_of_show(output: Path, show: str) -> Path:
    """The premise file that a show's newest episode was made from. Raises NotThere."""
    of_show = [folder for folder in folders.all_episodes(output) if folder.root.parent.name == show]
    if not of_show:
        raise NotThere(f"there is no show {show[:80]!r}")
    path = manifest.read_memory(of_show[-1]).premise_path
    if path is None or not Path(path).is_file():
        raise NotThere(f"{show}: its premise {path or ''} is not there any more")
    return Path(path)


def begin(premise: Path, output: Path, code: str | None) -> tuple[str, bool]:
    """Begins an episode, the show's newest one or the `next`; gives its name and whether it has a script.

    The offline writer writes it at once; a language model takes its time, and is for the queue.
    """
    episode = Episode.open(EpisodeRequest(premise=premise, episode=code, output=output, until="script"))
    name = name_of(episode.folder)
    if episode.has_script:
        return name, True
    with disk_errors(episode.folder.root):
        episode.folder.root.mkdir(parents=True, exist_ok=True)
    if messages.describe_writer(episode) != scripts.OFFLINE and not episode.is_meme:
        manifest.write(episode.folder, episode.memory, show=episode.own_premise.show)
        return name, False
    quiet = Console(write=lambda text: None, terminal=False, silence=1e9)
    with LoadedModels() as models:
        run.make_episode(episode, quiet, LocalSteps(models))
    return name, True
