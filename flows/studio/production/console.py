"""The console of a run: a bar on a terminal, plain lines elsewhere, never ten silent seconds."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from flows.studio.cameras.film_model import Preview
from flows.studio.terminal import pictures as terminals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.progress import Progress, TaskID

Say = Callable[[str], None]  # takes one line for people

SILENCE = 9.0  # seconds after which a plain screen says what is still being done
SURE = 3.0  # seconds of work before a guess of the time left is worth saying


class Listener(Protocol):
    """Hears what a console is told, beside whoever reads it."""

    def said(self, text: str) -> None:
        """A line that stays."""

    def progressed(self, label: str, done: float, total: float, *, shot: str, left: str) -> None:
        """How far the work is."""

    def pictured(self, picture: NDArray[np.uint8]) -> None:
        """A picture, uint8 (h, w, 3), of what is being filmed."""


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
        self.listener: Listener | None = None
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
        self._protocol: terminals.Protocol | None = None
        self._is_asked = False
        self._drawing: terminals.Drawing | None = None
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
            if self.listener is not None:
                self.listener.said(text)
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
            if self.listener is not None:
                self.listener.progressed(label, done, total, shot=shot, left=self.time_left())
        self._keep_watch()

    @property
    def shows_pictures(self) -> bool:
        """Whether `show_picture` has somewhere to show them: a terminal that can, or a listener."""
        with self._lock:
            if self._terminal and not self._is_asked:
                self._is_asked = True
                self._protocol = terminals.find_protocol()
            return self._protocol is not None or self.listener is not None

    def show_preview(self, preview: Preview | None) -> None:
        """Draws and shows a preview, if there is one and somewhere to show it."""
        if preview is not None and self.shows_pictures:
            self.show_picture(preview())

    def show_picture(self, picture: NDArray[np.uint8]) -> None:
        """A picture (h, w, 3) over the bar, in the place of the one before; nothing in a pipe or a log."""
        with self._lock:
            if self.listener is not None:
                self.listener.pictured(picture)
            if not self.shows_pictures or self._protocol is None:
                return
            columns, rows = os.get_terminal_size() if sys.stdout.isatty() else (80, 24)
            if columns < 20 or rows < 10:
                return
            most = {"columns": min(terminals.COLUMNS, columns - 1), "rows": min(terminals.ROWS, rows - 6)}
            self._drawing = terminals.draw_picture(picture, self._protocol, **most)

    def close(self) -> None:
        """Takes the bar away. The lines stay."""
        self._closed.set()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
                if self._drawing is not None:
                    self._bar.console.file.write(self._drawing.erase)
                    self._bar.console.file.flush()
                self._bar = self._drawing = None
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
            often = 2 if self.shows_pictures else 10  # every refresh draws the picture anew
            self._bar, self._task = _new_bar(description, lambda: self._drawing, refresh_per_second=often)
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


def _new_bar(
    description: str, current: Callable[[], terminals.Drawing | None], *, refresh_per_second: int
) -> tuple[Progress, TaskID]:
    """Rich is imported here because it is not needed where there is no terminal."""
    from rich.console import Console as RichConsole
    from rich.console import ConsoleOptions, RenderableType, RenderResult
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.segment import ControlType, Segment

    class Picture:
        """Empty lines, and then the picture over them: the terminal has scrolled before it is drawn."""

        drawn: terminals.Drawing | None = None

        def __rich_console__(self, console: RichConsole, options: ConsoleOptions) -> RenderResult:
            drawing = current()
            if drawing is None:
                return
            text = drawing.again if drawing is self.drawn else drawing.draw
            self.drawn = drawing
            for _ in range(drawing.rows):
                yield Segment.line()
            yield Segment(f"\x1b7\x1b[{drawing.rows}A\r{text}\x1b8", None, [(ControlType.CARRIAGE_RETURN,)])

    class Bar(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            yield picture
            yield from super().get_renderables()

    picture = Picture()
    bar = Bar(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[left]}", markup=False),
        console=RichConsole(highlight=False),
        refresh_per_second=refresh_per_second,
        transient=True,
    )
    return bar, bar.add_task(description, total=None, left="")
