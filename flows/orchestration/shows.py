"""A night on several hosts: shows are handed out as flow runs to a work pool, so many at once.

A worker on each host takes them. What was made is read from the episodes' folders, which all hosts share;
Prefect is only asked who is at work. A run whose host says nothing any more is marked as crashed, and its
show is handed out again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from flows.studio.errors import StudioError
from flows.studio.production import batch as batches
from flows.studio.production.batch import Result, Task
from flows.studio.production.console import Console, count
from flows.studio.production.episode import time_is_up
from flows.studio.production.request import BatchRequest, EpisodeRequest, Outcome
from flows.studio.workspace import files, heartbeat
from flows.studio.workspace import folder as folders
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.files.read import read_premise

DEPLOYMENT = "episode/on-demand"
SILENT_SECONDS = 180.0
POLL_SECONDS = 2.0
MOST_RUNS = 4  # of a show in a night: one that dies so often dies of itself
LOCKED = "is being worked on"  # by a host that has died: a network drive frees its lock after a while
LOCKED_WAIT = 30.0

Clock = Callable[[], float]


@dataclass
class _Show:
    """A show that is handed out: its run, its episode's folder, and when that was last heard of."""

    task: Task
    folder: EpisodeFolder
    began: float
    run: UUID | None = None
    num_runs: int = 0
    not_before: float = 0.0
    beat: str | None = None
    heard: float = 0.0
    tried: list[str] = field(default_factory=list)


class Night:
    """The shows of a night, those that wait and those that are handed out.

    Raises StudioError where there is no deployment to hand them to.
    """

    def __init__(
        self,
        request: BatchRequest,
        console: Console,
        *,
        silent_seconds: float = SILENT_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        clock: Clock = time.monotonic,
    ) -> None:
        self._request = request
        self._console = console
        self._silent = silent_seconds
        self._poll = poll_seconds
        self._clock = clock
        self._stop_at: datetime | None = batches.stop_time(request)
        self._waiting: list[Task] = []
        self._again: list[_Show] = []
        self._out: list[_Show] = []
        self._results: list[Result] = []

    def make(self) -> list[Result]:
        """Makes every show's episode, and waits until the last is made."""
        tasks, self._results = batches.begin_night(self._request, self._console)
        self._waiting = list(tasks)
        with get_client(sync_client=True) as client:
            while self._waiting or self._again or self._out:
                self._hand_out()
                time.sleep(self._poll)
                for show in tuple(self._out):
                    self._look(show, client)
                self._say_progress(len(tasks))
        return self._results

    # -------------------------------------------------------------------------------------- handing out

    def _hand_out(self) -> None:
        for show in tuple(self._again):
            if self._has_room() and self._clock() >= show.not_before:
                self._again.remove(show)
                self._start(show)
        for task in tuple(self._waiting):
            if time_is_up(self._stop_at):
                self._waiting.remove(task)
                self._results.append(Result(task.premise, None, "not begun: the time was up"))
            elif self._has_room() and not self._is_at_work(task):
                self._waiting.remove(task)
                if batches.is_to_be_made(task, self._results):
                    self._start(_Show(task, _folder_of(task, self._request), self._clock()))

    def _has_room(self) -> bool:
        return len(self._out) < (self._request.at_once or 1)

    def _is_at_work(self, task: Task) -> bool:
        """Whether another episode of the show is: its next one comes after its unfinished one."""
        return any(show.task.premise == task.premise for show in (*self._out, *self._again))

    def _start(self, show: _Show) -> None:
        asked = batches.episode_request(show.task, self._request, self._stop_at)
        code = str(show.folder.code)
        absolute = {"premise": show.task.premise.absolute(), "output": self._request.output.absolute()}
        begun = show.folder.root.is_dir()
        asked = asked.model_copy(update={**absolute, "episode": code if begun else show.task.episode})
        show.run = _run_of(asked, name=f"{show.folder.root.parent.name} {code}")
        show.num_runs += 1
        show.beat, show.heard = None, self._clock()
        self._out.append(show)
        self._console.say(f"{show.task.premise}: handed out")

    # ------------------------------------------------------------------------------------------ looking

    def _look(self, show: _Show, client: SyncPrefectClient) -> None:
        """Looks how a show goes on: made, failed, dead, or at work."""
        assert show.run is not None
        run = client.read_flow_run(show.run)
        kind = run.state_type
        if kind == StateType.COMPLETED:
            self._made(show)
        elif kind in (StateType.FAILED, StateType.CRASHED, StateType.CANCELLED):
            self._failed(show, run)
        elif kind == StateType.RUNNING and self._is_silent(show):
            host = show.beat.split()[0] if show.beat else "its host"
            fault = f"{host} was silent for {self._silent:.0f} s"
            client.set_flow_run_state(show.run, Crashed(message=f"{fault}; taken for dead"), force=True)
            self._died(show, fault)
        elif kind != StateType.RUNNING:
            show.heard = self._clock()  # it waits for a worker

    def _is_silent(self, show: _Show) -> bool:
        """Whether the run's heartbeat has not changed for long, by our own clock."""
        beat = heartbeat.read(show.folder.root)
        if beat != show.beat:
            show.beat, show.heard = beat, self._clock()
        return self._clock() - show.heard > self._silent

    def _made(self, show: _Show) -> None:
        outcome = _outcome_in(show.folder)
        fault = "" if outcome else f"its run ended well, but {show.folder.film} is not there"
        self._end(show, outcome, fault)

    def _failed(self, show: _Show, run: FlowRun) -> None:
        message = (run.state.message or "") if run.state else ""
        if LOCKED in message:
            show.not_before = self._clock() + LOCKED_WAIT
            self._died(show, "its folder was still locked")
        elif run.state_type == StateType.CRASHED:
            self._died(show, message or "its run crashed")
        else:
            self._end(show, None, _first_line(message) or "its run failed")

    def _died(self, show: _Show, fault: str) -> None:
        """Hands a show out again whose run is dead, unless it is whole or has died too often."""
        show.tried.append(_first_line(fault))
        if outcome := _outcome_in(show.folder):
            self._end(show, outcome, "")
        elif show.num_runs >= MOST_RUNS:
            self._end(show, None, "; ".join(show.tried))
        else:
            self._console.warn(f"{show.task.premise}: {show.tried[-1]}; it is handed out again")
            self._out.remove(show)
            self._again.append(show)

    def _end(self, show: _Show, outcome: Outcome | None, fault: str) -> None:
        self._out.remove(show)
        seconds = self._clock() - show.began
        self._results.append(Result(show.task.premise, outcome, fault, seconds))
        told = f"{outcome.path}" if outcome else f"was not made: {fault}"
        self._console.say(f"{show.task.premise}: {told}")

    def _say_progress(self, total: int) -> None:
        done = total - len(self._waiting) - len(self._again) - len(self._out)
        self._console.progress(f"{count(len(self._out), 'show')} at work on all hosts", done, total)


def _run_of(asked: EpisodeRequest, *, name: str) -> UUID:
    """Hands an episode to the work pool; its flow run."""
    try:
        run = run_deployment(
            DEPLOYMENT,
            parameters={"request": asked.model_dump(mode="json", exclude_none=True)},
            timeout=0,
            as_subflow=False,
            flow_run_name=name,
        )
    except ObjectNotFound as error:
        raise StudioError(
            f"--at-once: the Prefect server has no deployment {DEPLOYMENT}; in the checkout: "
            "prefect --no-prompt deploy --all (docs/farm.md has all commands)",
            code=2,
        ) from error
    assert isinstance(run, FlowRun)
    return run.id


def _folder_of(task: Task, request: BatchRequest) -> EpisodeFolder:
    """The folder of the episode that a task makes."""
    premise = read_premise(task.premise)
    return folders.choose_episode(request.output, premise.show, season=premise.season, wanted=task.episode)


def _outcome_in(folder: EpisodeFolder) -> Outcome | None:
    """The outcome as the folder tells it; None if there is no film that its manifest knows."""
    manifest = files.read_json(folder.manifest) or {}
    if not folder.film.exists() or not (manifest.get("remembered") or {}).get("film_recipe"):
        return None
    gags: Sequence[str] = manifest.get("gag_cards") or ()
    notes = (f"{count(len(gags), 'gag card')} ({', '.join(gags)})",) if gags else ()
    return Outcome(3 if gags else 0, folder.film, notes=notes)


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
