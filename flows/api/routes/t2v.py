"""The endpoint of the text2video plug-in of AUTOMATIC1111's web UI, for the scripts that call it.

`GET /t2v/api_version` and `POST /t2v/run` with the plug-in's argument names in the query, and its files as
multipart/form-data; the answer has the films as data URLs. Facts: sd-webui-text2video, `scripts/api_t2v.py`,
version 1.0. The films are made by jobs of One clip, so the board shows them, too. What is left out is as the
film model likes it. `ignored` in the answer names what a clip here has no use for.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import ValidationError

from flows.api.live.site import Site, site_of
from flows.api.routes import job_kinds
from flows.api.routes.clips import ended, own_values
from flows.api.routes.job_kinds import ClipJob
from flows.api.storyboard import uploads

router = APIRouter(prefix="/t2v", include_in_schema=False)
API_VERSION = "1.0"
SAMPLERS = {"DDIM_Gaussian": "ddim", "DDIM": "ddim", "UniPC": "unipc"}  # by the plug-in's names
NAMES = {  # the plug-in's name of each control
    "negative": "n_prompt",
    "steps": "steps",
    "frames": "frames",
    "seed": "seed",
    "guidance": "cfg_scale",
    "eta": "eta",
    "count": "batch_count",
    "video_model": "model",
}
IGNORED = ("fps", "add_soundtrack", "soundtrack_path", "inpainting_weights", "vid2vid_startFrame")
MOST_BYTES = uploads.MOST_BYTES["picture"]


@router.get("/api_version")
def api_version() -> dict[str, str]:
    """The version of the plug-in's interface that is answered."""
    return {"version": API_VERSION}


@router.post("/run")
async def run(request: Request, prompt: Annotated[str, Query(max_length=2000)]) -> dict[str, Any]:
    """Films a prompt and answers once the films are there."""
    site, asked = site_of(request), dict(request.query_params)
    if why := site.queue.paused:
        raise HTTPException(409, f"the queue is paused: {why}")
    values = {"prompt": prompt, **controls_of(asked), "size": _size(site, asked)}
    values |= await _files(request, site, asked)
    if values.get("video"):
        values["strength"] = asked.get("strength")
    given = {name: value for name, value in values.items() if value not in (None, "")}
    try:
        job = ClipJob.model_validate({"kind": "clip", **given})
    except ValidationError as error:
        fault = error.errors()[0]
        raise HTTPException(422, f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    state = job_kinds.add(site, job)
    site.live.hurry()
    state = await ended(site, state.job.number)
    if state.state != "done":
        raise HTTPException(422 if state.code == 2 else 500, state.fault or state.state)
    films = [site.clips.find(clip.name) for clip in site.clips.of_job(str(state.job.options["name"]))]
    return {
        "mp4s": [f"data:video/mp4;base64,{base64.b64encode(film.read_bytes()).decode()}" for film in films],
        "ignored": [name for name in IGNORED if asked.get(name)],
    }


def controls_of(asked: Mapping[str, str]) -> dict[str, Any]:
    """The controls of One clip for the plug-in's arguments; its own sampler is DDIM, which eta wants."""
    values: dict[str, Any] = {name: asked.get(theirs) for name, theirs in NAMES.items()}
    sampler = asked.get("sampler")
    if sampler is None and asked.get("eta") not in (None, "", "0", "0.0"):
        sampler = "DDIM"
    return {**values, "sampler": SAMPLERS.get(sampler or "", sampler)}


def _size(site: Site, asked: Mapping[str, str]) -> str | None:
    width, height = asked.get("width"), asked.get("height")
    if not width and not height:
        return None
    model = asked.get("model")
    facts = site.clips.facts(model) if model in (None, *site.clips.model_names()) else None
    own_width, _, own_height = own_values(facts).get("size", "256x256").partition("x")
    return f"{width or own_width}x{height or own_height}"


async def _files(request: Request, site: Site, asked: Mapping[str, str]) -> dict[str, str]:
    """The names of the files that came along, where they are asked for."""
    wanted = {}
    if asked.get("do_vid2vid", "").lower() in ("true", "1"):
        wanted["vid2vid_input"] = ("video", "film.mp4")
    if asked.get("inpainting_frames") not in (None, "", "0"):
        wanted["inpainting_image"] = ("image", "picture.png")
    sent = await _form(request)
    return {
        control: await uploads.receive_for_clip(
            uploads.pieces_of(sent[field][1]), _named(sent[field][0], name), site.clips.uploads
        )
        for field, (control, name) in wanted.items()
        if field in sent
    }


def _named(given: str, usual: str) -> str:
    """A file's name, with the usual suffix where it has none."""
    return given if "." in given else usual


async def _form(request: Request) -> dict[str, tuple[str, bytes]]:
    """The files of a multipart body by their fields: name and content."""
    kind = request.headers.get("content-type", "")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise HTTPException(413, f"wanted at most {MOST_BYTES // 1_000_000} MB, got more")
    if not kind.lower().startswith("multipart/form-data"):
        return {}
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + content)
    found = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        field = part.get_param("name", header="content-disposition")
        body = part.get_payload(decode=True)
        if isinstance(field, str) and isinstance(body, bytes):
            found[field] = (part.get_filename() or "", body)
    return found
