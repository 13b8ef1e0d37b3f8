"""The build step of prefect.yaml: this checkout's folder and this machine's time zone."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.studio.errors import StudioError

VARIABLE = "COLDOPEN_TIMEZONE"
LOCALTIME = Path("/etc/localtime")
ZONEINFO = "zoneinfo"


def this_machine() -> dict[str, str]:
    """`directory`, the current folder, and `timezone`, in which the schedule's times are."""
    return {"directory": str(Path.cwd()), "timezone": local_time_zone()}


def local_time_zone(*, localtime: Path = LOCALTIME) -> str:
    """The name of the zone in COLDOPEN_TIMEZONE, else in TZ, else the machine's, else UTC (as on Windows).

    Raises:
        StudioError: COLDOPEN_TIMEZONE names no time zone.
    """
    configured = os.environ.get(VARIABLE)
    if configured:
        if not _is_time_zone(configured):
            message = f"{VARIABLE}: wanted a time zone such as Europe/Berlin, got {configured!r}"
            raise StudioError(message, code=2)
        return configured
    candidates = (os.environ.get("TZ", "").lstrip(":"), _linked_zone(localtime))
    return next((zone for zone in candidates if zone and _is_time_zone(zone)), "UTC")


def _linked_zone(localtime: Path) -> str:
    """The zone that /etc/localtime links to: the part of its target after `zoneinfo/`."""
    parts = localtime.resolve().parts
    return "/".join(parts[parts.index(ZONEINFO) + 1 :]) if ZONEINFO in parts else ""


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
