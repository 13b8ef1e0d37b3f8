"""One film by a server: within a limit of dollars, asked for once, waited for, fetched, resumed.

The order is what keeps money safe: the job is written down, then asked for, then its id is written down. Each
step may be the last one that the program does; the next run goes on from what the disk says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.hosted.asking import Asked, Look, Provider
from flows.studio.hosted.errors import BudgetError, HostedError, Refused, ShotError, UnheardError
from flows.studio.hosted.jobs import Job, Jobs
from flows.studio.hosted.wire import Patience

OnShare = Callable[[float | None], None]  # how much of a film is done, from 0 to 1; None: not told
FILM_TRIES = 3  # of a film that is not there: gateways are done a little before its file is
YOUNG_SECONDS = 60.0  # of a job that a server does not know yet and may know soon


@dataclass(frozen=True)
class Order:
    """A clip to be filmed: its recipe's digest, its label for people, the camera, and the money.

    `dollars` is the price of this film, None of a server that costs nothing; `max_cost` what all jobs of the
    episode may cost together.
    """

    digest: str
    label: str
    camera: str
    asked: Asked
    dollars: float | None = None
    max_cost: float | None = None


def film(
    provider: Provider,
    order: Order,
    jobs: Jobs,
    *,
    patience: Patience = Patience(),  # noqa: B008  # frozen
    on_share: OnShare = lambda share: None,
    check: Callable[[Path], None] = lambda path: None,
) -> Path:
    """The film's file, as the server made it. `check` raises StudioError for a file that is no film.

    Raises:
        Refused, ShotError: This shot has no film; another one may have.
        BudgetError, UnheardError, HostedError: No other shot is to be asked for.
    """
    out = jobs.film(order.digest)
    with jobs.locked(order.digest):
        if out.is_file():
            if (job := jobs.get(order.digest)) is not None and job.state == "asked":
                jobs.keep(job, state="filmed")
            return out
        job = _asked(provider, order, jobs, patience)
        return _fetch(provider, order, job, jobs, patience, on_share, check)


def ask_ahead(provider: Provider, order: Order, jobs: Jobs, *, patience: Patience = Patience()) -> None:  # noqa: B008
    """Asks for a film that is fetched later, so that a server with room makes several at once.

    Raises as `film` does; a refusal is kept and told when the film is fetched.
    """
    with jobs.locked(order.digest):
        if not jobs.film(order.digest).is_file():
            _asked(provider, order, jobs, patience)


# ----------------------------------------------------------------------------------------------- asking


def _asked(provider: Provider, order: Order, jobs: Jobs, patience: Patience) -> Job:
    """The job that the server has for this clip: an earlier one, or a new one."""
    job = jobs.get(order.digest)
    if job is not None and job.state == "asking":
        job = _heard_of(provider, order, job, jobs, patience)
    if job is None:
        return _ask(provider, order, jobs, patience, earlier=0.0)
    if job.state == "refused":
        raise Refused(f"{job.fault}; it was not asked for again, change the shot's prompt")
    if job.state == "lost" and job.dollars:
        raise UnheardError(_may_be_paid(order, job, "the server knows nothing of it any more"))
    if job.state in ("asked", "filmed"):
        return job
    return _ask(provider, order, jobs, patience, earlier=job.spent)


def _heard_of(provider: Provider, order: Order, job: Job, jobs: Jobs, patience: Patience) -> Job:
    """A job whose answer nobody heard: the server's own list tells whether it was taken.

    It is looked for until it would be there for sure: a program that was killed just now may be followed by
    its own request.
    """
    until = job.asked_at + patience.settle_seconds
    while True:
        found = patience.repeat(lambda: provider.find(order.asked, job.mark), is_look=True)
        if found.where is not None:
            return jobs.keep(job, state="asked", where=found.where, fault="")
        left = until - patience.clock()
        if left <= 0 or (job.dollars and not found.is_sure):
            break
        patience.sleep(min(left, patience.look_seconds, 2.0))
    if job.dollars and not found.is_sure:
        raise UnheardError(_may_be_paid(order, job, "no answer came"))
    return jobs.keep(job, state="failed", fault="no answer came, and the server has no such job")


def _may_be_paid(order: Order, job: Job, why: str) -> str:
    return (
        f"{order.label}: {job.camera} was asked for this shot and {why}, so {job.dollars:.2f} dollars may "
        "have been paid; look at the provider's own list, and film it again with --pay-again"
    )


def _ask(provider: Provider, order: Order, jobs: Jobs, patience: Patience, *, earlier: float) -> Job:
    dollars = order.dollars or 0.0
    _check_budget(order, jobs.spent)
    mark = patience.repeat(lambda: provider.mark(order.asked), is_look=True)
    asking = Job(
        order.digest, order.label, order.camera, "asking", patience.clock(), dollars, earlier, mark=mark
    )
    job = jobs.keep(asking)
    try:
        where = patience.repeat(lambda: provider.ask(order.asked), is_look=False)
    except HostedError as fault:
        if isinstance(fault, Refused):
            jobs.keep(job, state="refused", fault=str(fault))
        elif not fault.is_unheard:  # it never left, or an answer came and it was no
            jobs.keep(job, state="failed", fault=str(fault))
        elif dollars:
            jobs.keep(job, fault=str(fault))
            raise UnheardError(f"{fault}; {_may_be_paid(order, job, 'no answer came')}") from None
        raise
    return jobs.keep(job, state="asked", where=where)


def _check_budget(order: Order, spent: float) -> None:
    """Raises BudgetError if this film might pass the limit of dollars."""
    if order.dollars is None or order.max_cost is None:
        return
    if spent + order.dollars > order.max_cost + 1e-9:
        raise BudgetError(
            f"video: max_cost {order.max_cost:g} dollars: {spent:.2f} are spent, and {order.label} by "
            f"{order.camera} costs {order.dollars:.2f}; nothing more was asked for, try a higher max_cost"
        )


# --------------------------------------------------------------------------------------------- fetching


def _fetch(
    provider: Provider,
    order: Order,
    job: Job,
    jobs: Jobs,
    patience: Patience,
    on_share: OnShare,
    check: Callable[[Path], None],
) -> Path:
    out = jobs.film(order.digest)
    look = _waited(provider, order, job, jobs, patience, on_share)
    address = look.film
    assert address is not None
    unchecked = out.with_name(f"{out.stem}.unchecked{out.suffix}")
    for left in reversed(range(FILM_TRIES)):
        try:
            patience.repeat(lambda: provider.wire.download(address, unchecked), is_look=True)
            break
        except HostedError as fault:
            if fault.status not in (404, 410):
                raise
            if not left:
                raise _gone(order, job, jobs, "the film is not there any more") from None
            patience.sleep(patience.look_seconds)
    try:
        check(unchecked)
    except StudioError as fault:
        unchecked.unlink(missing_ok=True)
        raise ShotError(
            f"{order.label}: {job.camera}: wanted a film, got a file that is none ({fault}); "
            "run again and it is fetched once more"
        ) from None
    unchecked.replace(out)
    jobs.keep(job, state="filmed", fault="", notes={**job.notes, **look.notes})
    return out


def _waited(
    provider: Provider, order: Order, job: Job, jobs: Jobs, patience: Patience, on_share: OnShare
) -> Look:
    """The look at a job that is done."""
    where, begun, pause = job.where, patience.clock(), patience.look_seconds / 5
    assert where is not None
    while True:
        try:
            look = patience.repeat(lambda: provider.look(where), is_look=True)
        except HostedError as fault:
            if fault.status != 404:
                raise
            if patience.clock() - job.asked_at > YOUNG_SECONDS:
                raise _gone(order, job, jobs, "the server knows nothing of it any more") from None
            look = Look()
        if look.fault is not None:
            state = "refused" if isinstance(look.fault, Refused) else "failed"
            jobs.keep(job, state=state, fault=str(look.fault))
            raise look.fault
        if look.film is not None:
            return look
        on_share(look.share)
        if patience.clock() - begun > patience.film_seconds:
            raise ShotError(
                f"{job.camera}: wanted a film within {patience.film_seconds / 60:.0f} min, it is still being "
                "made there; run again later, it is not asked for twice"
            )
        patience.sleep(pause)
        pause = min(patience.look_seconds, pause * 1.5)


def _gone(order: Order, job: Job, jobs: Jobs, why: str) -> HostedError:
    """The error for a job that the server has forgotten: one that cost nothing is asked for anew."""
    job = jobs.keep(job, state="lost" if job.dollars else "failed", fault=why)
    if job.dollars:
        return UnheardError(_may_be_paid(order, job, why))
    return ShotError(f"{order.label}: {job.camera}: {why}; run again, and it is asked for anew")
