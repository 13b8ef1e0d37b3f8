"""`python -m flows.worker.cameras ADDRESS`: tells the cameras of a farm, a line of JSON whenever they change.

A process of its own for the board: Dask is large, and a farm that does not answer makes nobody wait. It ends
when its input does.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import Any

from flows.studio.errors import StudioError
from flows.studio.farm.address import parse_address
from flows.studio.farm.connection import Lost
from flows.studio.farm.head import Farm
from flows.studio.workspace.children import end_with_parent

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 5.0  # after a farm has not answered


def _tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what, default=sorted) + "\n")  # a camera's offers are a set
    sys.stdout.flush()


def watch(address: str) -> None:
    """Tells the cameras for as long as the farm answers. Raises StudioError and Lost."""
    before = None
    with Farm(parse_address(address), say=_unheard, progress=_unheard) as farm:
        while True:
            found = [asdict(camera) for camera in farm.roster()]
            if found != before:
                before = found
                _tell(cameras=found)
            time.sleep(LOOK_SECONDS)


def _unheard(text: str) -> None:
    """Nothing: the page says it in its own words."""


def main() -> None:
    """Watches until its input ends."""
    end_with_parent()
    while True:
        try:
            watch(sys.argv[1])
        except Lost:
            _tell(fault="the farm is lost")
        except StudioError as error:
            _tell(fault=str(error))
        time.sleep(AGAIN_SECONDS)


if __name__ == "__main__":
    main()
