"""What a farm costs and what it stands: `make bench-farm`, a table in Markdown.

    overhead   seconds a shot beside the filming, with shots that take no time
    scaling    one camera and two, naps; each round is measured with both, one after the other
    kills      40 shots while a camera chosen by chance is killed every so many seconds
    record      100 shots that take no time, without Prefect's record and with it
    many       1,000 shots on 50 cameras: the head's seconds, and its memory

Naps take no processor, so the numbers hold on a busy machine. `--parts overhead,scaling` runs some.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import statistics
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.flows.studio.farm.lab import Lab, film, planned, running, wait_until

PARTS = ("overhead", "scaling", "kills", "record", "many")


def film_all(lab: Lab, count: int, folder: Path, name: str) -> tuple[float, int]:
    """(seconds, clips) of so many shots."""
    with lab.head() as farm:
        wait_until(lambda: len(farm.roster()) == len(lab.cameras), "the cameras", 600)
        start = time.perf_counter()
        filming = farm.film_shots(planned(count, name), film(), folder / name, on_step=lambda *step: None)
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
    """100 shots that take no time on two cameras, without Prefect's record and with it."""
    from flows.orchestration import server as api_server
    from flows.orchestration.environment import import_prefect

    import_prefect(warn=say)
    server = api_server.start_private_server(home / "server.log")
    url = server.wait()
    try:
        with (
            api_server.api_settings(url, is_private=True),
            running(home / "lab", "w1", "w2", source="nap:0") as lab,
        ):
            film_all(lab, 5, home, "warm up")
            rows = [_recorded(lab, home, is_recorded=flag) for flag in (False, True)]
    finally:
        server.stop()
    for (wall, own, requests), name in zip(rows, ("without", "with"), strict=True):
        say(
            f"| 100 empty shots {name} Prefect's record | {10 * wall:.0f} ms and {10 * own:.0f} ms "
            f"of the head's processor a shot; {requests} requests in all |"
        )


def _recorded(lab: Lab, home: Path, *, is_recorded: bool) -> tuple[float, float, int]:
    """(seconds, the head's processor seconds, requests to Prefect) of 100 shots."""
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
    shots = planned(100, f"record {is_recorded}")
    folder = home / f"record-{is_recorded}"

    def work() -> float:
        with lab.head() as farm, LoadedModels() as models:
            start = time.perf_counter()
            steps = RecordedSteps(models, farm)
            filming = steps.film_shots(shots, film(), folder, on_step=lambda *step: None)
            assert len(list(filming)) == 100
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
                {"overhead": overhead, "scaling": scaling, "record": record}[part](home, say)


if __name__ == "__main__":
    main()
