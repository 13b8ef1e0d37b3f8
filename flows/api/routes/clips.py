"""One clip: its page, and for scripts the clips, the files that they start from, and their settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from pydantic import Field

from flows.api.clips import controls as clip_controls
from flows.api.clips import shelf
from flows.api.jobs.errors import NotThere
from flows.api.jobs.queue import JobState
from flows.api.live.site import Site, site_of
from flows.api.pages.render import page
from flows.api.routes.jobs import NUMBER
from flows.api.storyboard import uploads
from flows.studio.cameras.facts import ModelFacts
from flows.studio.media import clip_export

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["clips"])
MOST_SHOWN = 24  # jobs
FileName = Annotated[str, Field(max_length=200)]


# ------------------------------------------------------------------------------------------------- pages


@router.get("/clip")
def clip_page(request: Request) -> Response:
    """The controls, filled with what the address says, and the clips so far."""
    site = site_of(request)
    if like := request.query_params.get("like"):
        return RedirectResponse(_filled(site, clip_export.read_settings(site.clips.find(like)))["page"], 303)
    asked = {name: value for name, value in request.query_params.items() if value}
    facts = site.clips.facts(asked.get("video_model")) if _is_here(site, asked.get("video_model")) else None
    return page(
        request,
        "clip",
        controls=clip_controls.controls(),
        first=clip_controls.FIRST,
        start=clip_controls.START,
        asked=asked,
        own=own_values(facts),
        presets=presets_of(facts),
        models=site.clips.model_names(),
        loras=site.clips.lora_names(),
        facts=facts,
        results=_results(site),
    )


@router.get("/clip/results")
def results(request: Request) -> Response:
    """The clips so far, and what is being filmed."""
    return page(request, "clip_results", results=_results(site_of(request)))


@router.get("/clips/{name}")
def file(request: Request, name: str, download: bool = False) -> Response:
    """A clip's mp4 or gif."""
    path = site_of(request).clips.find(name)
    kind = "attachment" if download else "inline"
    return FileResponse(
        path,
        media_type=shelf.KINDS[path.suffix],
        filename=name if download else None,
        content_disposition_type=kind,
        headers={"Cache-Control": "no-cache"},
    )


def _is_here(site: Site, model: str | None) -> bool:
    return model is None or model in site.clips.model_names()


def own_values(facts: ModelFacts | None) -> dict[str, str]:
    """What a film model takes by itself where a control is left empty."""
    if facts is None:
        return {}
    height, width = facts.default_size
    sampling = facts.sampling[facts.speed]
    values = {
        "size": f"{width}x{height}",
        "frames": facts.num_frames,
        "steps": sampling.num_steps,
        "sampler": sampling.sampler,
        "guidance": facts.guidance_scale,
        "motion_guidance": facts.motion_guidance,
        "negative": facts.negative_prompt,
        "speed": facts.speed,
        "seed": -1,
        "count": 1,
        "eta": 0,
        "strength": 0.6,
    }
    return {name: str(value) for name, value in values.items() if value not in (None, "")}


def presets_of(facts: ModelFacts | None) -> dict[str, dict[str, Any]]:
    """Values of controls that go together, by names for people: a model's shapes, quicker ways, a loop."""
    if facts is None:
        return {}
    shapes = {aspect: {"size": f"{width}x{height}"} for aspect, (height, width) in facts.sizes.items()}
    small = {"small and quick": {"size": "small"}} if facts.small_sizes else {}
    fast = {"fast": {"speed": "fast"}} if "fast" in facts.sampling and facts.speed != "fast" else {}
    return {**shapes, **small, **fast, "loop": {"loop": True}}


def _results(site: Site) -> list[dict[str, Any]]:
    """The newest jobs of clips, each with its clips and the address that fills the controls."""
    states = [state for state in reversed(site.queue.all()) if state.job.kind == "clip"]
    return [_result(site, state) for state in states[:MOST_SHOWN]]


def _result(site: Site, state: JobState) -> dict[str, Any]:
    known = {control.name for control in clip_controls.controls()} | {"prompt"}
    asked = {name: value for name, value in state.job.options.items() if name in known}
    clips = []
    for clip in _clips_of(site, state):
        stamp = site.clips.find(clip.name).stat().st_mtime_ns
        clips.append({"name": clip.name, "gif": clip.gif, "stamp": f"{stamp:x}"})
    height = _shape(asked.get("size"))
    return {
        "state": state,
        "clips": clips,
        "anew": None if state.job.options.get("lost") else _anew(asked),
        "about": [f"{name} {_plain(value)}" for name, value in asked.items() if name != "prompt"],
        "shape": height,
    }


def _anew(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The job that films the same with another seed."""
    return {"kind": "clip", **asked} | ({"seed": -1} if "seed" in asked else {})


def _clips_of(site: Site, state: JobState) -> tuple[shelf.Clip, ...]:
    """A job's clips: by the name that it has here, or, of one of a terminal, those that it says it made."""
    named = site.clips.of_job(str(state.job.options.get("name", "")))
    return named or site.clips.of_files(state.made.get("lines") or ())


def _shape(size: Any) -> str:
    """Whether a picture of this size is wide, square or high."""
    wide, _, high = str(size or "").replace("×", "x").partition("x")
    if not (wide.isdecimal() and high.isdecimal() and int(wide) and int(high)):
        return "wide"
    ratio = int(wide) / int(high)
    return "wide" if ratio > 1.2 else "high" if ratio < 0.8 else "square"


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


# --------------------------------------------------------------------------------------------------- API


@api.get("/clips")
def list_clips(request: Request) -> list[dict[str, Any]]:
    """The newest jobs of One clip and the addresses of their clips."""
    return [clip_data(request, state) for state in _clip_states(site_of(request))]


@api.get("/clips/{number}")
def clips_of_job(request: Request, number: NUMBER) -> dict[str, Any]:
    """The clips of a job: an mp4 and a gif of each."""
    state = site_of(request).queue.get(number)
    if state.job.kind != "clip":
        raise NotThere(f"job {number} films no clip")
    return clip_data(request, state)


@api.get("/clips/files/{name}/settings")
def settings_of_clip(request: Request, name: FileName) -> dict[str, Any]:
    """What a clip was filmed with, as values of the controls; `lost` is what cannot be filled in."""
    site = site_of(request)
    settings = clip_export.read_settings(site.clips.find(name))
    return _filled(site, settings)


@api.post("/files/{name}/settings")
def settings_of_file(request: Request, name: FileName) -> dict[str, Any]:
    """The same for a file that was sent here."""
    site = site_of(request)
    path = site.clips.uploads / name
    if path not in list(site.clips.uploads.glob("*.*")):
        raise NotThere(f"there is no file {name[:40]!r}")
    return _filled(site, clip_export.read_settings(path))


@api.get("/clip/controls")
def list_controls(request: Request, model: str | None = None) -> dict[str, Any]:
    """The controls, what a film model takes by itself, and the models and LoRAs that there are."""
    site = site_of(request)
    facts = site.clips.facts(model) if _is_here(site, model) else None
    return {
        "controls": [asdict(control) for control in clip_controls.controls()],
        "own": own_values(facts),
        "models": site.clips.model_names(),
        "loras": site.clips.lora_names(),
    }


@api.put("/files/{name}", status_code=201)
async def send_file(request: Request, name: FileName) -> dict[str, str]:
    """Keeps a picture or a film, whose bytes are the body; answers with the name that jobs call it by."""
    site = site_of(request)
    return {"file": await uploads.receive_for_clip(request.stream(), name, site.clips.uploads)}


def _clip_states(site: Site) -> list[JobState]:
    states = [state for state in reversed(site.queue.all()) if state.job.kind == "clip"]
    return states[:MOST_SHOWN]


def clip_data(request: Request, state: JobState) -> dict[str, Any]:
    """A job of One clip and the addresses of its clips."""
    clips = _clips_of(site_of(request), state)
    return {
        **state.as_data(),
        "clips": [
            {"mp4": f"/clips/{clip.name}", "gif": f"/clips/{clip.gif}" if clip.gif else None}
            for clip in clips
        ],
    }


def _filled(site: Site, settings: Mapping[str, Any]) -> dict[str, Any]:
    values, lost = shelf.as_controls(settings, site.clips)
    query = urlencode({name: _plain(value) for name, value in values.items()})
    return {"page": f"/clip?{query}", "values": values, "lost": lost}


async def ended(site: Site, number: int) -> JobState:
    """A job once it has ended."""
    while not (state := site.queue.get(number)).is_ended and not site.live.is_closed:
        await asyncio.sleep(0.1)
    return state
