"""Commands of a farm: `farm` hands shots to other machines, `camera` makes this machine one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.arguments import Farm, Memory
from flows.studio.errors import StudioError
from flows.studio.production.console import Console

Keys = Annotated[
    Path | None,
    Parameter(help="The folder of the certificates. Left out: COLDOPEN_FARM_KEYS, ~/.config/cold-open/farm."),
]


def farm(
    what: Annotated[
        Literal["keys"] | None, Parameter(help="keys: make the certificates, once, on the farm's machine.")
    ] = None,
    /,
    *,
    host: Annotated[
        tuple[str, ...],
        Parameter(negative=(), show_default=False, help="This machine's name or address: head.lan."),
    ] = (),
    port: Annotated[int, Parameter(validator=Number(gt=0, lt=65536), help="The farm listens there.")] = 8786,
    page: Annotated[str, Parameter(help="Dask's own page, for this machine alone.")] = "127.0.0.1:8787",
    status: Annotated[
        bool, Parameter(negative=(), help="Who films what, and who stands aside and why.")
    ] = False,
    farm: Farm = None,
    keys: Keys = None,
) -> int:
    """Run a farm: `episode --farm` hands it shots, and every `camera` films some. Ctrl-C ends it."""
    from flows.studio.farm import address as addresses
    from flows.studio.farm import keys as certificates

    folder = keys or certificates.default_folder()
    with Console() as console:
        if what == "keys":
            _make_keys(folder, host, console)
            return 0
        addresses.require_dask()
        if status:
            _show_status(farm, folder, console)
            return 0
        from flows.studio.farm import scheduler

        if len(host) > 1:
            raise StudioError("--host: wanted one, got several; several are for `farm keys`", code=2)
        where = host[0] if host else "tcp://127.0.0.1"
        address = addresses.parse_address(f"{where}:{port}", folder=folder, option="--host")
        address.security()  # missing keys are told before anything else
        console.say(f"cameras join it by: coldopen camera {address}")
        console.say(f"episodes use it by: coldopen episode --farm {address}, or COLDOPEN_FARM={address}")
        console.close()  # a farm may be silent for days
        scheduler.run(address, console.say, page=page)
    return 0


def camera(
    address: Annotated[str, Parameter(help="The farm: tls://head.lan:8786.")],
    /,
    *,
    device: Annotated[
        str | None, Parameter(help="cuda:0,1: a camera on each card. Left out: one, on the best there is.")
    ] = None,
    video_model: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            show_default=False,
            help="toon, a folder, a weight file or a hub id; may be given several times. Left out: toon.",
        ),
    ] = (),
    lora: Annotated[
        tuple[str, ...],
        Parameter(negative=(), show_default=False, help="A LoRA's file; may be given several times."),
    ] = (),
    name: Annotated[
        str | None, Parameter(help="What the farm calls it. Left out: this machine's name.")
    ] = None,
    memory: Memory = None,
    port: Annotated[
        int, Parameter(validator=Number(gte=0, lt=65536), help="The farm fetches clips there; 0: any.")
    ] = 0,
    keys: Keys = None,
) -> int:
    """Film for a farm, from now on: load the film model, join, film what is ordered. Ctrl-C ends it."""
    from flows.studio.cameras.facts import DEFAULT_MODEL
    from flows.studio.farm import address as addresses
    from flows.studio.farm import cameras
    from flows.studio.farm.camera import CameraOptions
    from flows.studio.farm.keys import default_folder

    addresses.require_dask()
    parsed = addresses.parse_address(address, folder=keys or default_folder(), option="camera")
    parsed.security()
    options = CameraOptions(
        address=str(parsed),
        keys=str(parsed.keys),
        name=name or "",
        models=video_model or (DEFAULT_MODEL,),
        loras=lora,
        memory=memory or "auto",
        port=port,
    )
    with Console() as console:
        console.close()  # a camera may be silent for days
        cameras.run_cameras(options, cameras.parse_devices(device), console.say)
    return 0


def _make_keys(folder: Path, hosts: tuple[str, ...], console: Console) -> None:
    from flows.studio.farm import keys as certificates

    if not hosts:
        raise StudioError("farm keys: wanted --host, this machine's name or address: --host head.lan", code=2)
    copied = certificates.make_keys(folder, hosts)
    console.say(f"{folder}: the certificates of this machine")
    console.say(f"{copied}: those of all others; copy it to each:")
    console.say(
        f"  ssh gpu1.lan mkdir -p .config/cold-open && scp -r {copied} gpu1.lan:.config/cold-open/farm"
    )
    console.say(
        "Keep them as you keep passwords: who has them can run programs on every machine of the farm."
    )


def _show_status(option: str | None, folder: Path, console: Console) -> None:
    from flows.studio.farm import address as addresses
    from flows.studio.farm import roster
    from flows.studio.farm.head import Farm as OpenFarm

    address = addresses.chosen_address(option, folder=folder)
    if address is None:
        raise StudioError(
            f"farm --status: wanted --farm tls://head.lan:8786, or {addresses.FARM} in the environment",
            code=2,
        )
    with OpenFarm(address, say=console.say, progress=console.progress) as farm:
        lines = roster.describe(farm.roster())
    console.say(f"{address}: {lines[0]}")
    for line in lines[1:]:
        console.say(line)
