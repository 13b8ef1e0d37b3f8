"""What prefect.yaml asks this machine when `prefect deploy` reads it."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.studio.errors import StudioError

VARIABLE = "COLDOPEN_TIMEZONE"
LOCALTIME = Path("/etc/localtime")
ZONES = "zoneinfo"


def this_machine() -> dict[str, str]:
    """Where the checkout lies and which time zone its nights are in; a build step of prefect.yaml."""
    return {"directory": str(Path.cwd()), "timezone": time_zone()}


def time_zone(*, localtime: Path = LOCALTIME) -> str:
    """The zone that COLDOPEN_TIMEZONE names, else TZ, else the machine's own, else UTC (as on Windows)."""
    asked = os.environ.get(VARIABLE)
    if asked:
        if not _exists(asked):
            raise StudioError(f"{VARIABLE}: wanted a time zone such as Europe/Berlin, got {asked!r}", code=2)
        return asked
    candidates = (os.environ.get("TZ", "").lstrip(":"), _zone_of(localtime))
    return next((zone for zone in candidates if zone and _exists(zone)), "UTC")


def _zone_of(localtime: Path) -> str:
    """/etc/localtime points into the zone database; what comes behind `zoneinfo/` is the name."""
    parts = localtime.resolve().parts
    return "/".join(parts[parts.index(ZONES) + 1 :]) if ZONES in parts else ""


def _exists(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
