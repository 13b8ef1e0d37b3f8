"""Errors and warnings of `t2v` in the studio's own words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import t2v
from flows.studio.cameras.film_model import ModelError, RenderError
from flows.studio.errors import StudioError


@contextmanager
def errors_of_t2v() -> Iterator[None]:
    """Raises errors of `t2v` as the studio's own, with the same message."""
    try:
        yield
    except t2v.RenderError as error:
        raise RenderError(str(error)) from error
    except (t2v.CheckpointError, t2v.SettingsError) as error:
        raise ModelError(str(error)) from error
    except t2v.T2VError as error:
        raise StudioError(str(error)) from error


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collects, until its block ends, the messages of warnings that a film model has for people."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    messages += [
        str(warning.message)
        for warning in caught
        if issubclass(warning.category, RuntimeWarning | t2v.PrecisionWarning)
    ]
