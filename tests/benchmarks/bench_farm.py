"""What a farm costs and what it stands: `make bench-farm`, a table in Markdown.

    overhead   seconds a shot beside the filming, with shots that take no time
    scaling    one camera and two, naps; each round is measured with both, one after the other
    kills      40 shots while a camera chosen by chance is killed every so many seconds
    record     100 shots that take no time, without Prefect's record and with it: seconds, requests, SQL
    many       1,000 shots on 50 cameras: the head's seconds, and its memory
    toon       TOON on one camera and on two, a core each, beside the ideal: two farms of one, at once

Naps take no processor, so the numbers hold on a busy machine; `toon` wants two idle cores, and is run only
where `--parts toon` asks for it. `--parts overhead,scaling` runs some.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from flows.studio.farm.camera import CameraOptions
from flows.studio.filming import models
from flows.studio.filming.settings import FilmSettings, own_settings
from tests.benchmarks import counting_server
from tests.flows.studio.farm.lab import Lab, film, planned, running, wait_until

PARTS = ("overhead", "scaling", "kills", "record", "many")


IDLE_SECONDS = 10.0
TOON_SHOTS, TOON_STEPS = 8, 4


def film_all(
    lab: Lab, count: int, folder: Path, name: str, settings: FilmSettings | None = None
) -> tuple[float, int]:
    """(seconds, clips) of so many shots, by naps without `settings`."""
    settings = settings or film()
    shots = [
        replace(shot, recipe={**shot.recipe, **settings.recipe}) for shot in planned(count, f"{name} cat")
    ]
    with lab.head() as farm:
        wait_until(lambda: len(farm.roster()) == len(lab.cameras), "the cameras", 600)
        start = time.perf_counter()
        filming = farm.film_shots(shots, settings, folder / name, on_step=lambda *step: None)
        filmed = [one for one in filming if one.clip is not None]
        return time.perf_counter() - start, len(filmed)


def overhead(home: Path, say) -> None:
    with running(home / "lab", "w1", source="nap:0") as lab:
        film_all(lab, 5, home, "warm up")
        seconds, clips = film_all(lab, 100, home, "empty")
    say(f"| overhead | {1000 * seconds / clips:.0f} ms a shot there and back, its clip written and stored |")


def scaling(home: Path, say) -> None:
    """Naps of 1.2 s a shot; the ideal is the time of one camera divided by two."""
    ratios = []
    with (
        running(home / "one", "w1", source="nap:0.3") as one,
        running(home / "two", "w1", "w2", source="nap:0.3") as two,
    ):
        film_all(one, 2, home, "warm up")
        film_all(two, 4, home, "warm up too")
        for number in range(2):
            alone, _ = film_all(one, 12, home, f"alone {number}")
            both, _ = film_all(two, 12, home, f"both {number}")
            ratios.append(alone / both)
    say(f"| scaling | 12 naps of 1.2 s, two cameras: {statistics.median(ratios):.2f} × ({ratios}) |")


def kills(home: Path, say, every: float, shots: int) -> None:
    """Cameras are started again as `coldopen camera` does it."""
    with running(home / "lab", "w1", "w2", source="nap:0.5") as lab:
        stop, num_kills, noticed = threading.Event(), [0], []
        chance = random.Random(7)

        def kill_now_and_then() -> None:
            while not stop.wait(every):
                name = chance.choice(sorted(lab.cameras))
                os.kill(lab.cameras[name].pid, signal.SIGKILL)
                lab.cameras[name].communicate()
                num_kills[0] += 1
                killed, begun = time.monotonic(), len(lab.begun())
                lab.start_camera(name, source="nap:0.5")
                while len(lab.begun()) == begun and not stop.is_set():
                    time.sleep(0.05)
                noticed.append(time.monotonic() - killed)

        killer = threading.Thread(target=kill_now_and_then)
        killer.start()
        try:
            seconds, clips = film_all(lab, shots, home, "kills")
        finally:
            stop.set()
            killer.join()
        lost = len(lab.begun()) - shots
    say(
        f"| kill -9 every {every:.0f} s | {clips} of {shots} shots, {num_kills[0]} kills, {lost} made again, "
        f"another shot begun {max(noticed, default=0):.1f} s after a kill at most, {seconds:.0f} s in all |"
    )


def many(home: Path, say, cameras: int, shots: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF)
    with running(home / "lab", *(f"w{number}" for number in range(cameras)), source="nap:0.05") as lab:
        start = time.perf_counter()
        wall, clips = film_all(lab, shots, home, "many")
        joined = time.perf_counter() - start - wall
        per_camera = Counter(pid for pid, _ in lab.notes("begin"))
    after = resource.getrusage(resource.RUSAGE_SELF)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    say(
        f"| {shots} naps on {cameras} cameras | {clips} clips in {wall:.0f} s (joining: {joined:.0f} s); "
        f"the head used {own:.1f} s of a processor and {after.ru_maxrss / 1024:.0f} MB; a camera filmed "
        f"{min(per_camera.values())} to {max(per_camera.values())} |"
    )


def record(home: Path, say) -> None:
    """100 shots that take no time on two cameras, without Prefect's record and with it.

    What the server does by itself in as many seconds is taken off its statements.
    """
    from flows.orchestration import private_server
    from flows.orchestration import server as api_server
    from flows.orchestration.environment import import_prefect

    counts = home / "statements.json"
    os.environ[counting_server.COUNTS] = str(counts)
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    own, private_server.__file__ = private_server.__file__, counting_server.__file__
    try:
        server = api_server.start_private_server(home / "server.log")
    finally:
        private_server.__file__ = own
    import_prefect(warn=say)
    url = server.wait()
    try:
        with (
            api_server.api_settings(url, is_private=True),
            running(home / "lab", "w1", "w2", source="nap:0") as lab,
        ):
            film_all(lab, 5, home, "warm up")
            _recorded(lab, home, is_recorded=True, count=1)
            time.sleep(2 * IDLE_SECONDS)
            rate = _num_statements(counts)
            time.sleep(2 * IDLE_SECONDS)
            rate = (_num_statements(counts) - rate) / (2 * IDLE_SECONDS)
            rows = []
            for is_recorded in (False, True):
                start, before = time.monotonic(), _num_statements(counts)
                row = _recorded(lab, home, is_recorded=is_recorded)
                _wait_until_idle(counts, rate)
                own_work = rate * (time.monotonic() - start)
                rows.append((*row, _num_statements(counts) - before - own_work))
    finally:
        server.stop()
    for (wall, own, requests, statements), name in zip(rows, ("without", "with"), strict=True):
        say(
            f"| 100 empty shots {name} Prefect's record | {10 * wall:.0f} ms and {10 * own:.0f} ms of the "
            f"head's processor a shot; {requests} requests, {statements:.0f} SQL statements in all (an idle "
            f"server's {rate:.1f} a second taken off) |"
        )


def _num_statements(counts: Path) -> int:
    return sum(json.loads(counts.read_text("utf-8")).values())


def _wait_until_idle(counts: Path, rate: float) -> None:
    """Waits for the server, which records behind the films: until it does no more than by itself."""
    before = -1.0
    while (now := _num_statements(counts)) - before > 2 * rate * IDLE_SECONDS:
        before = now
        time.sleep(IDLE_SECONDS)


def toon(home: Path, say) -> None:
    """TOON on cameras of one thread and one core each."""
    facts = models.describe_model("toon")
    settings = replace(own_settings(facts), num_steps=TOON_STEPS, weights=models.fingerprint("toon"))
    program = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[2])})"
    program += "; from flows.studio.farm.camera import main; main(sys.argv[1])"

    def start(lab: Lab, name: str, core: int) -> None:
        options = CameraOptions(lab.address, str(lab.keys), name, device="cpu")
        lab.cameras[name] = lab.start([sys.executable, "-c", program, json.dumps(asdict(options)), str(core)])

    with running(home / "one") as one, running(home / "other") as other, running(home / "two") as two:
        for lab, name, core in ((one, "w1", 0), (other, "w1", 1), (two, "w1", 0), (two, "w2", 1)):
            start(lab, name, core)
        film_all(one, 1, home, "warm one", settings)
        film_all(other, 1, home, "warm other", settings)
        film_all(two, 2, home, "warm two", settings)
        alone, _ = film_all(one, TOON_SHOTS, home, "alone", settings)
        both, clips = film_all(two, TOON_SHOTS, home, "both", settings)
        half = TOON_SHOTS // 2
        begun = time.perf_counter()
        halves = [
            threading.Thread(target=film_all, args=(lab, half, home, f"half {number}", settings))
            for number, lab in enumerate((one, other))
        ]
        for each in halves:
            each.start()
        for each in halves:
            each.join()
        ideal = time.perf_counter() - begun
    say(
        f"| TOON, {clips} shots of {TOON_STEPS} steps, a core each | two cameras {alone / both:.2f} × one; "
        f"two farms of one camera at once {alone / ideal:.2f} × |"
    )


def _recorded(lab: Lab, home: Path, *, is_recorded: bool, count: int = 100) -> tuple[float, float, int]:
    """(seconds, the head's processor seconds, requests to Prefect) of so many shots."""
    import httpx
    from prefect import flow

    from flows.studio.filming.models import LoadedModels
    from flows.tasks import RecordedSteps

    num_requests = [0]
    sends = {cls: cls.send for cls in (httpx.Client, httpx.AsyncClient)}
    for cls, send in sends.items():

        def counted(self, *args, send=send, **kwargs):
            num_requests[0] += 1
            return send(self, *args, **kwargs)

        cls.send = counted
    shots = planned(count, f"record {is_recorded} {count}")
    folder = home / f"record-{is_recorded}-{count}"

    def work() -> float:
        with lab.head() as farm, LoadedModels() as models:
            start = time.perf_counter()
            steps = RecordedSteps(models, farm)
            filming = steps.film_shots(shots, film(), folder, on_step=lambda *step: None)
            assert len(list(filming)) == count
            return time.perf_counter() - start

    before = time.process_time()
    try:
        wall = flow(work, name="bench")() if is_recorded else work()
    finally:
        for cls, send in sends.items():
            cls.send = send
    return wall, time.process_time() - before, num_requests[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two kills")
    parser.add_argument("--shots", type=int, default=40)
    parser.add_argument("--cameras", type=int, default=50)
    options = parser.parse_args()

    def say(line: str) -> None:
        print(line, flush=True)  # noqa: T201

    say("| what | measured |\n| --- | --- |")
    for part in options.parts.split(","):
        with tempfile.TemporaryDirectory(prefix="bench-farm-") as place:
            home = Path(place)
            if part == "kills":
                kills(home, say, options.every, options.shots)
            elif part == "many":
                many(home, say, options.cameras, 20 * options.cameras)
            else:
                {"overhead": overhead, "scaling": scaling, "record": record, "toon": toon}[part](home, say)


if __name__ == "__main__":
    main()
