"""A site: one output folder with its queue, its workers and what is known of its episodes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from flows.api.clips.shelf import Shelf
from flows.api.jobs.errors import NotThere
from flows.api.jobs.keeper import Keeper
from flows.api.jobs.queue import Queue
from flows.api.live.cameras import FarmWatch
from flows.api.live.states import LiveStates, Parts
from flows.api.storyboard.boards import Boards


@dataclass
class Site:
    """What the routes work on. Whoever makes it starts and closes it."""

    output: Path
    premises: Path
    farm: FarmWatch | None = None
    queue: Queue = field(init=False)
    keeper: Keeper = field(init=False)
    live: LiveStates = field(init=False)
    boards: Boards = field(init=False)
    editing: threading.Lock = field(default_factory=threading.Lock)  # one change of a script at a time

    def __post_init__(self) -> None:
        self.queue = Queue(self.board_folder)
        self.keeper = Keeper(self.queue, self.output)
        self.boards = Boards(self.output)
        self.live = LiveStates(self.queue, self.keeper, self.parts_of, self.farm)

    @property
    def clips(self) -> Shelf:
        """The clips of One clip, and what it may choose from."""
        return Shelf.of(self.output, self.premises)

    @property
    def board_folder(self) -> Path:
        """The folder of everything that is the board's own."""
        return self.output / ".board"

    def parts_of(self, episode: str) -> Parts:
        """The digests of the parts of an episode's page; none if there is no such episode."""
        try:
            return self.boards.get(episode).parts
        except NotThere:
            return {}

    def start(self) -> None:
        """Begins to look at the disk and to give out jobs."""
        self.board_folder.mkdir(parents=True, exist_ok=True)
        self.live.start()

    def close(self) -> None:
        """Ends the streams and the workers; the job at work goes on at the next start."""
        self.live.close()
        self.keeper.close()
        if self.farm is not None:
            self.farm.close()


def site_of(request: Request) -> Site:
    """The site that a request is for."""
    site: Site = request.app.state.site
    return site
