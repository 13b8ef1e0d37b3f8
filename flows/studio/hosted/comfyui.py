"""ComfyUI servers: a workflow, saved with Export (API), is the camera.

Words in braces in the workflow's values are filled in: {prompt} {negative} {seed} {width} {height} {frames}
{fps} {seconds} {first}. A value that is one such word alone becomes a number or a text as it is needed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from flows.studio.cameras.film_model import ModelError
from flows.studio.hosted.asking import Asked, Found, Look, job_fault
from flows.studio.hosted.complaints import message_of
from flows.studio.hosted.errors import HostedError
from flows.studio.hosted.wire import Wire

_WORD = re.compile(r"\{(prompt|negative|seed|width|height|frames|fps|seconds|first)\}")
_FILMS = (".mp4", ".webm", ".mov", ".mkv", ".gif", ".webp")
_MOST_BYTES = 5_000_000  # of a workflow


def read_workflow(path: Path) -> dict[str, Any]:
    """A workflow in API format: nodes by number. Raises ModelError for another file."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("a file that is too large")
        nodes = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path}: wanted a ComfyUI workflow, there is no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: wanted a ComfyUI workflow as JSON, got {error}") from None
    if isinstance(nodes, dict) and "nodes" in nodes:
        raise ModelError(f"{path}: wanted a workflow for the API, got one for the editor, try Export (API)")
    if not isinstance(nodes, dict) or not nodes or not all(_is_node(node) for node in nodes.values()):
        raise ModelError(f"{path}: wanted a ComfyUI workflow of nodes with class_type and inputs, got none")
    if "{prompt}" not in json.dumps(nodes):
        raise ModelError(f"{path}: wanted {{prompt}} in the text of a node, got a workflow without")
    return nodes


def _is_node(node: Any) -> bool:
    return isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict)


def takes_picture(workflow: Mapping[str, Any]) -> bool:
    """Whether a workflow films from a first picture."""
    return "{first}" in json.dumps(workflow)


class ComfyUI:
    """A ComfyUI server with one workflow."""

    def __init__(self, wire: Wire, workflow: Mapping[str, Any]) -> None:
        self.wire = wire
        self.workflow = workflow

    def mark(self, asked: Asked) -> Any:
        """The ids of everything that it has run or will run."""
        return sorted(self._known())

    def ask(self, asked: Asked) -> dict[str, Any]:
        """POST /prompt, after the picture is uploaded."""
        workflow = self._filled(asked)
        try:
            answer = self.wire.ask("/prompt", json={"prompt": workflow, "client_id": "cold-open"})
        except HostedError as fault:
            if not isinstance(fault.body, Mapping) or not fault.body.get("node_errors"):
                raise
            answer = dict(fault.body)
        faults = answer.get("node_errors")
        prompt_id = answer.get("prompt_id")
        if faults or not isinstance(prompt_id, str):
            raise HostedError(
                f"{self.wire.where}: wanted a film, got {self.wire.redact(_node_faults(answer))}"
            )
        return {"id": prompt_id}

    def look(self, where: Mapping[str, Any]) -> Look:
        """GET /history/ID: empty while it waits or runs; then with files, or with the fault."""
        name = str(where["id"])
        entry = self.wire.look(f"/history/{quote(name, safe='')}").get(name)
        if not isinstance(entry, Mapping):
            if name not in self._queued():
                entry = self.wire.look(f"/history/{quote(name, safe='')}").get(
                    name
                )  # it ended between the two
                if not isinstance(entry, Mapping):
                    raise HostedError(f"{self.wire.where}: wanted its job, it knows none of it", status=404)
            else:
                return Look()
        status = entry.get("status")
        if isinstance(status, Mapping) and status.get("status_str") == "error":
            return Look(fault=job_fault(self.wire, _execution_error(status), is_refusal=False))
        file = _film_of(entry.get("outputs"))
        if file is None:
            words = "the workflow saved no film, try a node like SaveVideo"
            return Look(fault=job_fault(self.wire, words, is_refusal=False))
        return Look(share=1.0, film=f"/view?{urlencode(file)}")

    def find(self, asked: Asked, mark: Any) -> Found:
        """The job with this very workflow that was not there before it was asked for."""
        workflow = self._filled(asked, upload=False)
        for name, prompt in self._known().items():
            if name not in (mark or ()) and prompt == workflow:
                return Found({"id": name})
        return Found(is_sure=True)

    def _filled(self, asked: Asked, *, upload: bool = True) -> Any:
        first = ""
        if asked.first is not None and takes_picture(self.workflow):
            digest = hashlib.sha256(asked.first).hexdigest()[:16]
            name = f"cold-open-{digest}.png"  # the same picture has the same name
            first = self._upload(name, asked.first) if upload else name
        words: dict[str, Any] = {
            "prompt": asked.prompt,
            "negative": asked.negative_prompt,
            "seed": asked.seed % 2**63,
            "width": asked.width,
            "height": asked.height,
            "frames": asked.num_frames,
            "fps": asked.fps,
            "seconds": asked.seconds,
            "first": first,
        }
        return fill(self.workflow, words)

    def _upload(self, name: str, picture: bytes) -> str:
        form = {"image": (name, picture, "image/png"), "overwrite": (None, "true")}
        self.wire.ask("/upload/image", files=form)
        return name

    def _known(self) -> dict[str, Any]:
        """Every job's workflow by its id: those that wait, run, and are done."""
        done = self.wire.look("/history?max_items=200")
        entries = [entry.get("prompt") for entry in done.values() if isinstance(entry, Mapping)]
        return {**self._queued(), **_by_id(entries)}

    def _queued(self) -> dict[str, Any]:
        queue = self.wire.look("/queue")
        return _by_id([*(queue.get("queue_running") or ()), *(queue.get("queue_pending") or ())])


def fill(value: Any, words: Mapping[str, Any]) -> Any:
    """A workflow with its words in braces filled in."""
    if isinstance(value, Mapping):
        return {key: fill(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [fill(each, words) for each in value]
    if not isinstance(value, str):
        return value
    if whole := _WORD.fullmatch(value.strip()):
        return words[whole[1]]
    return _WORD.sub(lambda match: str(words[match[1]]), value)


def _by_id(entries: list[Any]) -> dict[str, Any]:
    """Workflows by id, of entries `[number, id, workflow, …]`."""
    rows = [entry for entry in entries if isinstance(entry, list) and len(entry) > 2]
    return {str(row[1]): row[2] for row in rows}


def _node_faults(answer: Mapping[str, Any]) -> str:
    """What is wrong with a workflow, with the node's name."""
    for number, node in (answer.get("node_errors") or {}).items():
        if isinstance(node, Mapping):
            return f"node {number} ({node.get('class_type')}): {message_of(node.get('errors'))}"
    return message_of(answer) or "an answer without a job"


def _execution_error(status: Mapping[str, Any]) -> str:
    """The message of a job that stopped, from ComfyUI's list of events."""
    for event in status.get("messages") or ():
        if isinstance(event, list) and len(event) > 1 and isinstance(event[1], Mapping):
            name, told = event[0], event[1]
            if name == "execution_error":
                return f"node {told.get('node_id')} ({told.get('node_type')}): {message_of(told)}"
            if name == "execution_interrupted":
                return "it was interrupted"
    return ""


def _film_of(outputs: Any) -> dict[str, str] | None:
    """The file of the film, for `/view`: of the outputs of all nodes the first that is one."""
    nodes = outputs.values() if isinstance(outputs, Mapping) else ()
    files = [
        file
        for node in nodes
        if isinstance(node, Mapping)
        for several in node.values()
        if isinstance(several, list)
        for file in several
        if isinstance(file, Mapping) and str(file.get("filename", "")).lower().endswith(_FILMS)
    ]
    kept = [file for file in files if file.get("type") != "temp"] or files
    if not kept:
        return None
    return {name: str(kept[0].get(name, "")) for name in ("filename", "subfolder", "type")}
