"""Video servers on loopback, in the shapes that the providers document, which misbehave when told to.

`/v1/videos` as on vLLM-Omni's and OpenAI's pages, fal's queue, Replicate's predictions, ComfyUI's routes.
A job is done after `looks_needed` looks. `misbehave(step, fault)` lets the next request of a step go wrong.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sk-secret-of-the-tests"
Fault = Callable[["Handler"], None]


class FakeServer:
    """A server of one shape: videos, fal, replicate or comfyui. `film` are the bytes that every job gives."""

    def __init__(self, shape: str, film: bytes = b"\0\0\0\x18ftypmp42-a-film") -> None:
        self.shape = shape
        self.film = film
        self.films: dict[str, bytes] = {}  # of jobs that have their own
        self.jobs: dict[str, dict[str, Any]] = {}
        self.log: list[tuple[str, str, str]] = []  # method, path, Authorization
        self.looks_needed = 2
        self.create_seconds = 0.0  # from taking a job to answering
        self.lock = threading.Lock()
        self._faults: dict[str, list[Fault]] = defaultdict(list)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.fake = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def base(self) -> str:
        """The address as a user names it."""
        return f"{self.root}/v1" if self.shape in ("videos", "replicate") else self.root

    def misbehave(self, step: str, *faults: Fault) -> None:
        """Lets the next requests of a step (create, look, result, content, list) go wrong, one each."""
        self._faults[step] += faults

    def next_fault(self, step: str) -> Fault | None:
        with self.lock:
            return self._faults[step].pop(0) if self._faults[step] else None

    def creates(self) -> int:
        """How many requests for a job came, taken or not."""
        return sum(method == "POST" and "upload" not in path for method, path, _ in self.log)

    def prompts(self) -> list[str]:
        return [job["prompt"] for job in self.jobs.values()]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def serving(shape: str, film: bytes = b"\0\0\0\x18ftypmp42-a-film") -> Iterator[FakeServer]:
    server = FakeServer(shape, film)
    try:
        yield server
    finally:
        server.close()


class Handler(BaseHTTPRequestHandler):
    """One request. Errors and jobs have the shape of the server."""

    protocol_version = "HTTP/1.1"

    @property
    def fake(self) -> FakeServer:
        return self.server.fake  # type: ignore[attr-defined, no-any-return]

    def log_message(self, *args: Any) -> None:
        pass

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with contextlib.suppress(OSError):  # the client was killed
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            kind = "video/mp4" if isinstance(body, bytes) else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    def drop(self) -> None:
        """Ends the connection without an answer."""
        self.close_connection = True

    def do_POST(self) -> None:
        fake = self.fake
        try:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        except OSError:
            return
        with fake.lock:
            fake.log.append(("POST", self.path, self.headers.get("authorization", "")))
        self.body = body
        step = "upload" if self.path.startswith("/upload") else "create"
        fault = fake.next_fault(step)
        if fault is not None:
            fault(self)
            return
        if step == "upload":
            self.answer(200, {"name": "first.png", "subfolder": "", "type": "input"})
            return
        if not self.is_known():
            self.answer(
                401, {"error": {"message": f"Incorrect API key: {self.headers.get('authorization')}"}}
            )
            return
        job = self.take()
        time.sleep(fake.create_seconds)
        self.answer(201 if fake.shape == "replicate" else 200, self.created(job))

    def do_GET(self) -> None:
        fake = self.fake
        with fake.lock:
            fake.log.append(("GET", self.path, self.headers.get("authorization", "")))
        path = urlsplit(self.path).path
        step, name = self.step_of(path)
        fault = fake.next_fault(step)
        if fault is not None:
            fault(self)
        elif step == "list":
            self.answer(200, self.listing(path))
        elif step == "content":
            self.answer(200, fake.films.get(name, fake.film))
        elif name not in fake.jobs:
            unknown = (
                {"detail": "not found"}
                if fake.shape in ("fal", "replicate")
                else {"error": {"message": "no such job"}}
            )
            self.answer(200 if fake.shape == "comfyui" else 404, {} if fake.shape == "comfyui" else unknown)
        elif step == "result":
            self.answer(200, {"video": {"url": f"{fake.root}/files/{name}.mp4"}, "seed": 7})
        else:
            self.look(fake.jobs[name])

    # --------------------------------------------------------------------------------------- the shapes

    def is_known(self) -> bool:
        told = self.headers.get("authorization", "")
        return (
            self.fake.shape == "comfyui" or told == f"{'Key' if self.fake.shape == 'fal' else 'Bearer'} {KEY}"
        )

    def asked(self) -> dict[str, Any]:
        """The fields of the request."""
        if self.fake.shape != "videos":
            return dict(json.loads(self.body))
        parts = re.findall(rb'name="([^"]+)"\r\n\r\n(.*?)\r\n--', self.body, re.S)
        fields = {name.decode(): value.decode() for name, value in parts}
        return {**fields, "has_picture": b'name="input_reference"; filename' in self.body}

    def take(self) -> dict[str, Any]:
        """Takes a job; from here on it is paid for."""
        fake, asked = self.fake, self.asked()
        with fake.lock:
            name = f"{fake.shape}-{len(fake.jobs) + 1}"
            inputs = asked.get("input", asked)
            prompt = inputs.get("prompt")
            job = {"id": name, "prompt": prompt, "asked": asked, "looks": 0, "at": int(time.time())}
            fake.jobs[name] = job
        return job

    def created(self, job: dict[str, Any]) -> dict[str, Any]:
        fake, name = self.fake, job["id"]
        if fake.shape == "videos":
            return self.video(job, "queued")
        if fake.shape == "fal":
            there = f"{fake.root}/fal-ai/fish/requests/{name}"
            urls = {"response_url": there, "status_url": f"{there}/status", "cancel_url": f"{there}/cancel"}
            return {"status": "IN_QUEUE", "request_id": name, "queue_position": 0, **urls}
        if fake.shape == "replicate":
            return self.prediction(job, "starting")
        return {"prompt_id": name, "number": len(fake.jobs), "node_errors": {}}

    def video(self, job: dict[str, Any], status: str) -> dict[str, Any]:
        return {
            "id": job["id"],
            "object": "video",
            "status": status,
            "progress": min(100, 100 * job["looks"] // self.fake.looks_needed),
            "created_at": job["at"],
            "prompt": job["prompt"],
            "model": job["asked"].get("model"),
            "seconds": job["asked"].get("seconds"),
            "size": job["asked"].get("size"),
        }

    def prediction(self, job: dict[str, Any], status: str) -> dict[str, Any]:
        done = status == "succeeded"
        return {
            "id": job["id"],
            "status": status,
            "input": job["asked"]["input"],
            "output": f"{self.fake.root}/files/{job['id']}.mp4" if done else None,
            "error": None,
            "created_at": "2026-11-30T12:00:00Z",
        }

    def step_of(self, path: str) -> tuple[str, str]:
        """What a GET is for, and the job that it is about."""
        if path in ("/v1/videos", "/v1/predictions", "/queue", "/history"):
            return "list", ""
        if path.startswith("/files/"):
            return "content", path.removeprefix("/files/").removesuffix(".mp4")
        if path == "/view":
            return "content", parse_qs(urlsplit(self.path).query)["filename"][0].removesuffix(".mp4")
        if match := re.fullmatch(r"/v1/videos/([^/]+)/content", path):
            return "content", match[1]
        if match := re.fullmatch(r"/fal-ai/fish/requests/([^/]+)", path):
            return "result", match[1]
        return "look", re.sub(r"/status$", "", path).rsplit("/", 1)[-1]

    def listing(self, path: str) -> dict[str, Any]:
        fake = self.fake
        with fake.lock:
            jobs = list(fake.jobs.values())[::-1]
        if fake.shape == "videos":
            return {"object": "list", "data": [self.video(job, "in_progress") for job in jobs]}
        if fake.shape == "replicate":
            return {"results": [self.prediction(job, "processing") for job in jobs], "next": None}
        rows = [
            [1, job["id"], job["prompt"], {}, []]
            for job in jobs
            if (job["looks"] >= 2) == (path == "/history")
        ]
        if path == "/queue":
            return {"queue_running": rows[:1], "queue_pending": rows[1:]}
        return {row[1]: {"prompt": row, "outputs": {}, "status": {"status_str": "success"}} for row in rows}

    def look(self, job: dict[str, Any]) -> None:
        """One more look at a job."""
        fake = self.fake
        job["looks"] += 1
        done = job["looks"] >= fake.looks_needed
        if fake.shape == "videos":
            self.answer(200, self.video(job, "completed" if done else "in_progress"))
        elif fake.shape == "fal":
            status = "COMPLETED" if done else "IN_PROGRESS"
            self.answer(200 if done else 202, {"status": status, "request_id": job["id"], "logs": None})
        elif fake.shape == "replicate":
            self.answer(200, self.prediction(job, "succeeded" if done else "processing"))
        else:
            files = [{"filename": f"{job['id']}.mp4", "subfolder": "video", "type": "output"}]
            entry = {
                "prompt": [1, job["id"], job["prompt"], {}, []],
                "outputs": {"9": {"images": files, "animated": [True]}},
                "status": {"status_str": "success", "completed": True, "messages": []},
            }
            self.answer(200, {job["id"]: entry} if done else {})


# ------------------------------------------------------------------------------------------- misbehaviours


def status(code: int, body: Any = None, **headers: str) -> Fault:
    """An answer with a bad status."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.answer(code, {} if body is None else body, told)


def says(body: Any, code: int = 200) -> Fault:
    """An answer with another body than a job."""
    return lambda handler: handler.answer(code, body)


def dropped(handler: Handler) -> None:
    """The connection breaks before anything is taken."""
    handler.drop()


def taken_and_dropped(handler: Handler) -> None:
    """The job is taken, and the connection breaks before the answer."""
    handler.take()
    handler.drop()


def taken_and(code: int, body: Any = None) -> Fault:
    """The job is taken, and a gateway answers in its place."""

    def fault(handler: Handler) -> None:
        handler.take()
        handler.answer(code, {} if body is None else body)

    return fault


def cut_short(handler: Handler) -> None:
    """Half of the film, and the connection breaks."""
    film = handler.fake.film
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(film)))
    handler.end_headers()
    handler.wfile.write(film[: len(film) // 2])
    handler.drop()


def looks_like(job: dict[str, Any], code: int = 200) -> Fault:
    """A look at a job that ends like this; the server's own fields are filled in."""

    def fault(handler: Handler) -> None:
        name = handler.step_of(urlsplit(handler.path).path)[1]
        own = handler.fake.jobs.get(name, {"id": name, "asked": {}, "prompt": "", "looks": 0, "at": 0})
        body = handler.video(own, "failed") if handler.fake.shape == "videos" else {}
        handler.answer(code, {**body, "id": name, **job})

    return fault
