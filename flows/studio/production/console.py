"""The console of a run: a bar on a terminal, plain lines elsewhere, never ten silent seconds."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.progress import Progress, TaskID

Say = Callable[[str], None]  # takes one line for people

SILENCE = 9.0  # seconds after which a plain screen says what is still being done
SURE = 3.0  # seconds of work before a guess of the time left is worth saying


class Console:
    """Lines and one bar. Safe to use from several threads; works with Prefect and without.

    On a terminal the bar moves by itself. Without one, `progress` alone prints nothing: a line appears
    when nothing else has been said for nine seconds. `write` sends the plain lines elsewhere, to a flow
    run's logger for example.
    """

    def __init__(
        self,
        *,
        write: Callable[[str], None] | None = None,
        terminal: bool | None = None,
        silence: float = SILENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write or write_line
        self._terminal = (write is None and sys.stdout.isatty()) if terminal is None else terminal
        self._silence = silence
        self._clock = clock
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._label = ""
        self._picture = ""
        self._done = self._total = 0.0
        self._last_said = self._began = clock()
        self._done_at_start = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def say(self, text: str) -> None:
        """One line that stays."""
        with self._lock:
            self._last_said = self._clock()
            if self._bar is not None:
                self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
            else:
                self._write(text)
        self._keep_watch()

    def warn(self, text: str) -> None:
        """One line about something that a person may want to look at."""
        self.say(f"! {text}")

    def progress(self, label: str, done: float = 0, total: float = 0, *, shot: str = "") -> None:
        """Shows the work at hand and how much of it is done, of `total` in any unit; a total of 0 is unknown.

        Another total, or fewer done than before, is another piece of work and starts a new clock. `shot` is
        the label of the shot that is filmed, for screens that have a place for each.
        """
        with self._lock:
            if total != self._total or done < self._done or not self._label:
                self._began, self._done_at_start = self._clock(), done
            self._label, self._done, self._total = label, done, total
            if self._terminal and not self._closed.is_set():
                self._draw()
        self._keep_watch()

    @property
    def shows_pictures(self) -> bool:
        """Whether `show` has somewhere to show them."""
        return self._terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def show(self, picture: str) -> None:
        """A picture in ANSI colours over the bar, in the place of the one before; on a terminal alone."""
        with self._lock:
            if self.shows_pictures:
                self._picture = picture

    def close(self) -> None:
        """Takes the bar away. The lines stay."""
        self._closed.set()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None
        if self._watch is not None and self._watch is not threading.current_thread():
            self._watch.join(timeout=1)

    def time_left(self) -> str:
        """ "about 4 min left", or nothing as long as that would be a guess."""
        with self._lock:
            seconds = self._clock() - self._began
            made = self._done - self._done_at_start
            if self._total <= 0 or made <= 0 or seconds < SURE:
                return ""
            return f"about {duration((self._total - self._done) * seconds / made)} left"

    def break_silence(self) -> None:
        """Says what is being done, if nothing has been said for too long."""
        with self._lock:
            if self._clock() - self._last_said < self._silence or self._closed.is_set():
                return
            left = self.time_left()
            self.say(f"  … {self._label or 'still working'}{', ' + left if left else ''}")

    def _keep_watch(self) -> None:
        with self._lock:
            if self._terminal or self._watch is not None or self._closed.is_set():
                return
            self._watch = threading.Thread(target=self._watch_silence, name="console", daemon=True)
            self._watch.start()

    def _watch_silence(self) -> None:
        while not self._closed.wait(max(0.01, self._silence - (self._clock() - self._last_said))):
            self.break_silence()

    def _draw(self) -> None:
        total = self._total if self._total > 0 else None
        description = f"{self._label[:1].upper()}{self._label[1:]}"
        if self._bar is None or self._task is None:
            self._bar, self._task = _new_bar(description, lambda: self._picture)
            self._bar.start()
        self._bar.update(
            self._task, description=description, completed=self._done, total=total, left=self.time_left()
        )


def duration(seconds: float) -> str:
    """Seconds as people say them: "40 s", "4 min", "1 h 10 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def running_time(seconds: float) -> str:
    """A film's length to the second: "40 s", "1 min 33 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{max(1, rest)} s"


def write_line(text: str) -> None:
    """A line to standard output at once; if nobody reads any more (`| head`), the work goes on unheard."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _new_bar(description: str, picture: Callable[[], str]) -> tuple[Progress, TaskID]:
    """Rich is imported here because it is not needed where there is no terminal."""
    from rich.console import Console as RichConsole
    from rich.console import RenderableType
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.text import Text

    class Bar(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            if picture():
                yield Text.from_ansi(picture())
            yield from super().get_renderables()

    bar = Bar(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[left]}", markup=False),
        console=RichConsole(highlight=False),
        transient=True,
    )
    return bar, bar.add_task(description, total=None, left="")


CELLS = 40  # about how wide one is


def half_blocks(picture: NDArray[np.uint8]) -> str:
    """A picture (h, w, 3) as lines of half blocks in ANSI colours; a small one is enlarged."""
    scale = max(1, CELLS // picture.shape[1])
    large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    large = large.repeat([1] * (len(large) - 1) + [1 + len(large) % 2], axis=0)  # an even number of rows
    lines = []
    for upper, lower in zip(large[::2], large[1::2], strict=True):
        cells = [
            "\x1b[38;2;{};{};{};48;2;{};{};{}m▀".format(*top, *bottom)
            for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True)
        ]
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)
