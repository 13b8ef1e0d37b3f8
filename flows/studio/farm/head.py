"""A farm in place of the one camera: other machines film, and the head alone writes the folder.

The folder is asked before every order, so that nothing is filmed twice, however often the farm is lost. So
many orders are out as there are cameras that fit, and one more: a farm that is lost loses no more than
that, and nothing else is begun when the time is up. A shot that begins with the last frame of the one before
it is ordered once that one is filmed.
"""

from __future__ import annotations

import statistics
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from flows.studio.cameras.film_model import RenderError
from flows.studio.errors import StudioError
from flows.studio.farm import address as addresses
from flows.studio.farm import camera as cameras
from flows.studio.farm import orders
from flows.studio.farm.address import Address
from flows.studio.farm.camera import CalledOff
from flows.studio.farm.connection import Connection, Lost, Say, Unanswered
from flows.studio.farm.film_model import FarmModel
from flows.studio.farm.orders import Model
from flows.studio.farm.roster import Listed
from flows.studio.filming import models, pictures
from flows.studio.filming.camera import FilmedShot, MayBegin, OnShotStep, store_user_file
from flows.studio.filming.models import Loras
from flows.studio.filming.settings import FilmSettings, own_settings
from flows.studio.filming.shots import PlannedShot
from flows.studio.workspace import artifacts, files
from flows.studio.workspace.artifacts import Artifact

if TYPE_CHECKING:
    from distributed import Future

Numbered = tuple[int, PlannedShot]


@dataclass
class _Out:
    """A shot that is out, with its number in the script's order."""

    number: int
    shot: PlannedShot
    future: Future


@dataclass
class _Group:
    """The shots with the same film settings: those that wait, and those that are out, by the order's key.

    `suspects` are shots of which cameras seem to have died; Dask blames those, too, that waited at the same
    camera. They are tried again at the end, one at a time, by `second_try`.
    """

    film: FilmSettings
    model: Model
    waiting: list[Numbered] = field(default_factory=list)
    out: dict[str, _Out] = field(default_factory=dict)
    suspects: list[Numbered] = field(default_factory=list)
    second_try: set[str] = field(default_factory=set)

    @property
    def is_done(self) -> bool:
        return not (self.waiting or self.out or self.suspects)

    def call_suspect(self) -> Numbered:
        """The next suspect, which is tried again."""
        number, shot = self.suspects.pop(0)
        self.second_try.add(shot.digest)
        self.waiting.insert(0, (number, shot))
        return number, shot

    def put_back(self, *keys: str) -> None:
        """Makes orders wait again, in their place."""
        back = [self.out.pop(key) for key in keys]
        waiting = [*((out.number, out.shot) for out in back), *self.waiting]
        self.waiting = sorted(waiting, key=lambda one: one[0])


def _groups(shots: Sequence[PlannedShot], film: FilmSettings) -> tuple[_Group, ...]:
    """The shots that are filmed, by their settings; `film` are those of shots without their own."""
    groups: dict[FilmSettings, _Group] = {}
    for number, shot in enumerate(shots):
        if shot.file is None:
            own = shot.film or film
            if own not in groups:
                groups[own] = _Group(own, orders.model_of(own))
            groups[own].waiting.append((number, shot))
    return tuple(groups.values())


class Farm:
    """Other machines that film for this one. Whoever opens it closes it."""

    def __init__(self, address: Address, *, say: Say, progress: Say) -> None:
        """Raises StudioError (exit code 2) if no farm answers that takes our certificate."""
        self._connection = Connection(address, say=say, progress=progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the farm; orders of ours that are out are called off."""
        self._connection.close()

    def roster(self) -> tuple[Listed, ...]:
        """The cameras as the farm lists them now."""
        return self._connection.roster()

    def film_shots(
        self,
        shots: Sequence[PlannedShot],
        film: FilmSettings,
        folder: Path,
        *,
        on_step: OnShotStep,
        may_begin: MayBegin = lambda: True,
    ) -> Generator[FilmedShot]:
        """Films the shots into `folder` as `filming.camera.film_shots` does, each on a camera that is free.

        Raises StudioError where a camera says that no other shot could be filmed either, and after some
        minutes (COLDOPEN_FARM_WAIT) without a camera that fits, or without a farm.
        """
        yield from _store_user_files(shots, folder, may_begin)
        groups = _groups(shots, film)
        try:
            while not all(group.is_done for group in groups):
                num_before = _num_waiting(groups)
                try:
                    yield from self._order(groups, folder, may_begin)
                    if not any(group.out for group in groups):
                        if _num_waiting(groups) == num_before:
                            return  # the time is up
                        continue
                    yield from self._arrivals(groups, folder, on_step)
                except Lost:
                    for group in groups:
                        group.put_back(*group.out)
                    self._connection.reconnect()
        finally:
            self._connection.call_off([out.future for group in groups for out in group.out.values()])

    def _order(self, groups: Sequence[_Group], folder: Path, may_begin: MayBegin) -> Iterator[FilmedShot]:
        """Orders as many shots as cameras have their model, and one more; gives what needs no camera."""
        for group in groups:
            while (group.waiting or group.suspects) and may_begin() and self._has_room(group, groups):
                one = _next(group, groups, folder)
                if one is None:
                    break  # all begin with clips that are being filmed
                filmed = self._send(group, one, folder)
                group.waiting.remove(one)
                if filmed is not None:
                    yield filmed

    def _has_room(self, group: _Group, groups: Sequence[_Group]) -> bool:
        """Whether another order of this group may go out. Waits for a camera where nobody films at all."""
        num_fitting = len(self._connection.fitting(group.model))
        if not num_fitting and not any(each.out for each in groups):
            self._connection.wait_for_camera(group.model)
            return True
        return num_fitting > 0 and len(group.out) <= num_fitting

    def _send(self, group: _Group, one: Numbered, folder: Path) -> FilmedShot | None:
        """Orders a shot. Gives it back where its clip is in the folder, or nothing to begin with is."""
        number, shot = one
        clip = _stored(folder, shot)
        if clip is not None:
            return FilmedShot(shot, clip)
        try:
            sent = pictures.read_as_png(shot.pictures, group.film, folder)
        except RenderError as error:
            return FilmedShot(shot, None, str(error))
        show = f"{folder.parent.parent.name} {folder.parent.name}"  # and the episode's code
        order = orders.order_of(shot, group.film, group.model, show=show)
        future = self._connection.order(
            cameras.film, asdict(order), *sent, key=order.key, model=group.model, number=number
        )
        group.out[order.key] = _Out(number, shot, future)
        return None

    def _arrivals(self, groups: Sequence[_Group], folder: Path, on_step: OnShotStep) -> Iterator[FilmedShot]:
        """Waits for an event, and deals with all that have come by then."""
        for kind, value in self._connection.events():
            key = value["key"] if kind == "step" else value
            group = next((group for group in groups if key in group.out), None)
            if group is None:
                continue  # another head's, or called off
            if kind == "step":
                step, num_steps = value["step"]
                on_step(group.out[key].shot, step, num_steps, None)
            elif filmed := self._arrived(group, key, folder):
                yield filmed

    def _arrived(self, group: _Group, key: str, folder: Path) -> FilmedShot | None:
        """The shot that has come back, stored; None for one that is still to come."""
        out = group.out[key]
        try:
            answer = self._connection.answer(out.future)
        except Unanswered:
            return None
        except CalledOff:
            out.future.release()
            group.put_back(key)
            return None
        except Lost:
            raise
        except Exception as error:  # several cameras died of it, or a bug
            if type(error).__name__ == "KilledWorker" and out.shot.digest not in group.second_try:
                del group.out[key]
                out.future.release()
                group.suspects.append((out.number, out.shot))
                return None
            answer = {"fault": f"{type(error).__name__}: {error}".splitlines()[0]}
        filmed = _store(answer, out.shot, folder)
        del group.out[key]
        out.future.release()  # not before the clip is stored: another head finds it here or there
        return filmed

    # ----------------------------------------------------------------------------------------- estimates

    def num_cameras(self, film: FilmSettings) -> int:
        """The number of cameras that film with these settings now."""
        return len(self._connection.fitting(orders.model_of(film)))

    def seconds_per_step(self, film: FilmSettings) -> float | None:
        """About the seconds of a step, by what the cameras measured at their start; None if none has."""
        model = orders.model_of(film)
        measured = [
            camera.seconds[model.weights]
            for camera in self._connection.fitting(model)
            if model.weights in camera.seconds
        ]
        if not measured:
            return None
        own = own_settings(models.describe_model(film.model))
        pixels = film.height * film.width * film.num_frames / (own.height * own.width * own.num_frames)
        return statistics.median(measured) * pixels

    def get(self, source: str, *, loras: Loras = (), memory: str = "auto") -> FarmModel:
        """A film model of the farm's cameras, as `LoadedModels.get` gives one of this machine."""
        facts = models.describe_model(source, loras=loras)
        model = orders.Model(models.fingerprint(source), orders.hashed_loras(loras), facts.title)
        self._connection.wait_for_camera(model)
        return FarmModel(self._connection, model, facts)


@contextmanager
def opened(option: str | None, *, say: Say, progress: Say) -> Iterator[Farm | None]:
    """The farm of `--farm` or COLDOPEN_FARM, closed with the block; None where neither names one.

    Raises StudioError if it is no address, or nobody answers there.
    """
    address = addresses.chosen_address(option)
    if address is None:
        yield None
        return
    progress(f"calling the farm at {address}")
    with Farm(address, say=say, progress=progress) as farm:
        yield farm


def _store_user_files(
    shots: Sequence[PlannedShot], folder: Path, may_begin: MayBegin
) -> Iterator[FilmedShot]:
    for shot in shots:
        if shot.file is not None and may_begin():
            yield store_user_file(shot, folder)


def _next(group: _Group, groups: Sequence[_Group], folder: Path) -> Numbered | None:
    """The first shot of a group that waits for nothing but a camera, and after all others a suspect."""
    for number, shot in group.waiting:
        if _is_ready(shot, groups, folder):
            return number, shot
    return group.call_suspect() if group.suspects and not group.out else None


def _num_waiting(groups: Sequence[_Group]) -> int:
    return sum(len(group.waiting) + len(group.suspects) for group in groups)


def _is_ready(shot: PlannedShot, groups: Sequence[_Group], folder: Path) -> bool:
    """Whether the clip that a shot begins with is there, or will never be."""
    before = shot.pictures.previous
    if before is None or any(folder.glob(f"*-{before}.mp4")):
        return True
    to_come = (
        one.digest
        for group in groups
        for one in (
            *(one for _, one in (*group.waiting, *group.suspects)),
            *(out.shot for out in group.out.values()),
        )
    )
    return before not in to_come


def _stored(folder: Path, shot: PlannedShot) -> Artifact | None:
    """The clip of a shot that is in the folder by now, whatever its number was."""
    for path in folder.glob(f"*-{shot.digest}.mp4"):
        note = files.read_json(path.with_suffix(".json")) or {}
        if isinstance(note.get("recipe"), dict) and artifacts.digest(note["recipe"]) == shot.digest:
            return Artifact(path, note["recipe"], note.get("made") or {})
    return None


def _store(answer: Mapping[str, Any], shot: PlannedShot, folder: Path) -> FilmedShot:
    """The shot with its clip, stored, or with its fault. Raises StudioError for a camera's error."""
    if "error" in answer:
        raise StudioError(f"camera {answer['camera']}: {answer['error']}", code=answer["code"])
    if "fault" in answer:
        return FilmedShot(shot, None, answer["fault"])

    def write(path: Path) -> Mapping[str, Any]:
        path.write_bytes(answer["clip"])
        return {**answer["notes"], "camera": answer["camera"]}

    return FilmedShot(shot, artifacts.create(folder, shot.label, shot.recipe, ".mp4", write=write))
