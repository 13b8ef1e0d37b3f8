"""Errors of film models.

T2VError
├── CheckpointError    a weight file is missing, broken, or another model's
├── SettingsError      a setting that the model cannot film with
└── RenderError        a network's output is not finite
"""

from __future__ import annotations


class T2VError(Exception):
    """Base of all expected errors of this package, each with a one-line message."""


class CheckpointError(T2VError):
    """A weight file is missing, broken, or another model's."""


class SettingsError(T2VError, ValueError):
    """A setting that the model cannot film with."""


class RenderError(T2VError):
    """A network's output is not finite."""


class PrecisionWarning(UserWarning):
    """A clip was made again in single precision, because half precision overflowed."""
