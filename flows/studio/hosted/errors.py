"""What goes wrong with a film that a server makes, by what may be done about it."""

from __future__ import annotations

from typing import Any

from flows.studio.errors import StudioError


class HostedError(StudioError):
    """No other shot would fare better: no server, a wrong key, no money, a limit in dollars (exit code 1).

    `is_passing`: the same request may go well a little later, after `retry_after` seconds if the server named
    a time. `is_unheard`: the request went out and no answer came, so that the server may have taken it.
    `body` is the server's own answer, never to be shown as it is.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        is_passing: bool = False,
        is_unheard: bool = False,
        retry_after: float | None = None,
        body: Any = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.is_passing = is_passing
        self.is_unheard = is_unheard
        self.retry_after = retry_after
        self.body = body


class ShotError(HostedError):
    """This shot has no film, and another one may have: its job failed or takes too long."""


class Refused(ShotError):
    """The server's rules forbid this prompt or picture: asking again would cost and change nothing."""


class BudgetError(HostedError):
    """The next film might cost more than may be spent, so it was not asked for."""


class UnheardError(HostedError):
    """A film was asked for and nobody heard an answer: it may have been paid for."""
