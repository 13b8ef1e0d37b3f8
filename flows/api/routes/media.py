"""Pictures, voices and films: by digest, or by a name that is looked up. No route takes a path."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse

from flows.api.live.site import site_of
from flows.api.routes.board import Code, Show
from flows.api.routes.live import FOR_EVER
from flows.api.storyboard import pictures
from flows.api.storyboard.episodes import find_folder

router = APIRouter(prefix="/shows/{show}/{code}", include_in_schema=False)
KINDS = {
    ".mp4": "video/mp4",
    ".gif": "image/gif",
    ".png": "image/png",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".yaml": "text/plain; charset=utf-8",
}


@router.get("/pictures/{digest}/{kind}.webp")
def picture(
    request: Request, show: Show, code: Code, digest: str, kind: Literal["still", "moving"]
) -> Response:
    """A clip's still or moving picture."""
    site = site_of(request)
    path = pictures.picture(find_folder(site.output, f"{show}/{code}"), site.output, digest, kind)
    return FileResponse(path, media_type="image/webp", headers={"Cache-Control": FOR_EVER})


@router.get("/voices/{digest}.wav")
def voice(request: Request, show: Show, code: Code, digest: str) -> Response:
    """A spoken line."""
    path = pictures.find_voice(find_folder(site_of(request).output, f"{show}/{code}"), digest)
    return FileResponse(path, media_type="audio/wav", headers={"Cache-Control": FOR_EVER})


@router.get("/files/{name}")
def file(request: Request, show: Show, code: Code, name: str, download: bool = False) -> Response:
    """A film, its captions, its pictures, the script: what lies in the folder under this name."""
    folder = find_folder(site_of(request).output, f"{show}/{code}")
    there = {
        path.name: path
        for path in folder.root.iterdir()
        if path.suffix in KINDS and not path.name.startswith(".") and path.is_file() and not path.is_symlink()
    }
    if name not in there:
        raise HTTPException(404, "there is no such file")
    path = there[name]
    shown = f"{show}-{code}-{name}" if download else None
    kind = "attachment" if download else "inline"
    return FileResponse(path, media_type=KINDS[path.suffix], filename=shown, content_disposition_type=kind)
