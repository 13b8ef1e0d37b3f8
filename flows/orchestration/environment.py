"""Keeps the environment of a run from stopping Prefect: proxies, certificate files and unreadable settings.

A run needs Prefect for a server on its own machine, so nothing that the environment says about the network or
about Prefect may end it. Prefect offers no options for this: its clients and settings read the environment
themselves, some while they are imported. Here their classes are changed once, after the import, and
`os.environ` never is, because the writer and the downloads need what it says.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import sys
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.studio.errors import StudioError
from scripts_llm.llm.network import CERTIFICATES, is_loopback, is_loopback_host
from scripts_llm.plain_text import one_line

if TYPE_CHECKING:
    import ssl

    from pydantic import ValidationError

_NETWORK = (*CERTIFICATES, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PYTHON = ("PYTHONWARNINGS", "PYTHONINSPECT", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHONPROFILEIMPORTTIME")
_API = ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING")
_SETTINGS_FILES = ("prefect.toml", "pyproject.toml")


def server_environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment of a private server, of which `home` is the Prefect home.

    It has no proxies and no certificate files, for the server calls nobody, and none of Prefect's settings,
    for it has its own.
    """
    kept = {name: value for name, value in environ.items() if not _is_foreign(name.upper())}
    if "PYTHONPATH" in kept:  # the server works in another folder
        folders = kept["PYTHONPATH"].split(os.pathsep)
        kept["PYTHONPATH"] = os.pathsep.join(os.path.abspath(folder) for folder in folders if folder)
    return {
        **kept,
        "PREFECT_HOME": str(home),
        "PREFECT_PLUGINS_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }


def _is_foreign(name: str) -> bool:
    return name.startswith("PREFECT_") or name.endswith("_PROXY") or name in (*_NETWORK, *_PYTHON)


def import_prefect(*, warn: Callable[[str], object]) -> None:
    """Imports Prefect, whatever the environment holds.

    Settings that Prefect cannot read are reported by one call of `warn`, and then none of Prefect's settings
    are used but the API's URL and key in environment variables.

    Raises:
        StudioError: Prefect cannot be imported all the same.
    """
    with _any_certificate_file(), _one_line_each(warn):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):  # on import Prefect tries its plug-ins, and prints a failure
            import_module("prefect")
        fault = settings_fault()
        if fault is None:
            _forward(errors.getvalue(), warn)
        else:
            warn(f"{fault}; Prefect runs with its own settings")
            _use_default_settings()
        try:
            import_module("prefect.main")
        except Exception as error:
            reason = one_line(f"{type(error).__name__}: {error}")
            raise StudioError(f"Prefect cannot be imported: {reason}") from error
    _bypass_proxies()


@contextlib.contextmanager
def _one_line_each(warn: Callable[[str], object]) -> Iterator[None]:
    """Reports Python's warnings for users by `warn`; they are never errors, whatever PYTHONWARNINGS says."""
    with warnings.catch_warnings(record=True, action="default") as caught:
        yield
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            warn(one_line(str(warning.message)))


def _forward(text: str, warn: Callable[[str], object]) -> None:
    """Reports Prefect's warnings by `warn`; anything else goes to standard error as it is."""
    for line in text.splitlines():
        if line.startswith("WARNING: "):
            warn(line.removeprefix("WARNING: ").strip())
        else:
            sys.stderr.write(f"{line}\n")


@contextlib.contextmanager
def _any_certificate_file() -> Iterator[None]:
    """Lets httpx transports be built although SSL_CERT_FILE names no certificates.

    Prefect builds some for web hooks while it is imported, and a run uses none of them.
    """
    transports: Any = import_module("httpx._transports.default")
    create = transports.create_ssl_context

    def create_or_distrust(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        import ssl

        try:
            return create(*args, **kwargs)
        except OSError:  # ssl.SSLError too
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which trusts no certificate at all

    transports.create_ssl_context = create_or_distrust
    try:
        yield
    finally:
        transports.create_ssl_context = create


# ------------------------------------------------------------------------------------------ the clients


@functools.cache
def _bypass_proxies() -> None:
    """Prefect's clients of this process use no proxy for an API on this machine."""
    from prefect.client import base

    for cls in (base.PrefectHttpxSyncClient, base.PrefectHttpxAsyncClient):
        cls.__init__ = _directly(cls.__init__)  # type: ignore[method-assign]
    websockets: Any = import_module("websockets.asyncio.client")
    get_proxy = websockets.get_proxy

    def get_proxy_elsewhere(uri: Any) -> str | None:
        return None if is_loopback_host(uri.host) else get_proxy(uri)

    websockets.get_proxy = get_proxy_elsewhere


def _directly(build: Callable[..., None]) -> Callable[..., None]:
    """An `httpx.Client.__init__` that ignores the environment if the base URL is on this machine."""

    @functools.wraps(build)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if is_loopback(str(kwargs.get("base_url", ""))):
            kwargs.setdefault("trust_env", False)
        build(self, *args, **kwargs)

    return init


# ----------------------------------------------------------------------------------------- the settings


def settings_fault() -> str | None:
    """One line that names the file or variable for which Prefect cannot read its settings; None if it can."""
    from prefect.settings.models.root import Settings

    try:
        profiles = Settings().profiles_path
    except Exception as error:  # whatever a library makes of the environment
        return _file_fault((Path(".env"), *map(Path, _SETTINGS_FILES))) or _value_fault(error)
    return _file_fault((profiles,))


def _file_fault(paths: tuple[Path, ...]) -> str | None:
    """The first file that is there and cannot be read as text or TOML, and why."""
    for path in paths:
        try:
            if path.is_file():
                text = path.read_text(encoding="utf-8")
                if path.suffix == ".toml":
                    tomllib.loads(text)
        except OSError as error:
            return f"{path}: {error.strerror}"
        except UnicodeDecodeError as error:
            return f"{path}: wanted text in UTF-8, got another encoding (byte {error.start})"
        except tomllib.TOMLDecodeError as error:
            return f"{path}: wanted TOML, got: {error}"
    return None


def _value_fault(error: Exception) -> str:
    """The variables that Prefect refused, and what it wants of the first; the values are never shown."""
    from pydantic import ValidationError
    from pydantic_settings.exceptions import SettingsError

    if isinstance(error, ValidationError):
        faults = [each for each in error.errors() if each["type"] != "default_factory_not_called"]
        if faults:
            name = _variable(error, str(faults[0]["loc"][0]) if faults[0]["loc"] else "")
            return f"{name}: {faults[0]['msg']}"
    if isinstance(error, SettingsError):  # "error parsing value for field …": what is no JSON
        field = re.search(r'field "(\w+)"', str(error))
        names = _variables(field[1]) if field else []
        found = next((name for name in names if name in os.environ), None)
        return f"{found}: wanted JSON" if found else f"Prefect's settings: {error}"
    return f"Prefect's settings: {type(error).__name__}: {error}"


def _variable(error: ValidationError, field: str) -> str:
    """The environment variable of a settings class's field; the class is known by its name only."""
    from prefect.settings.models.root import Settings

    if field.upper().startswith("PREFECT_"):
        return field.upper()
    for cls in _settings_classes(Settings):
        if cls.__name__ == error.title:
            return f"{cls.model_config.get('env_prefix', '')}{field.upper()}"
    return f"PREFECT_{field.upper()}"


def _variables(field: str) -> list[str]:
    """The environment variables of all fields of that name."""
    from prefect.settings.models.root import Settings

    classes = [cls for cls in _settings_classes(Settings) if field in cls.model_fields]
    return [f"{cls.model_config.get('env_prefix', '')}{field.upper()}" for cls in classes]


def _settings_classes(cls: Any) -> Iterator[Any]:
    """A settings class, and the classes of the settings in it."""
    yield cls
    for field in cls.model_fields.values():
        if hasattr(field.annotation, "model_fields"):
            yield from _settings_classes(field.annotation)


def _use_default_settings() -> None:
    """Prefect takes no setting from files, and from the environment only the API's."""
    from prefect.settings import profiles, sources
    from prefect.settings.constants import DEFAULT_PROFILES_PATH
    from prefect.settings.models.root import Settings

    class ApiVariables(sources.EnvFilterSettingsSource):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.env_vars = {name: value for name, value in self.env_vars.items() if name.upper() in _API}

    read_profiles = profiles._read_profiles_from
    base: Any = import_module("prefect.settings.base")
    base.EnvFilterSettingsSource = ApiVariables
    sources.TomlConfigSettingsSourceBase._read_file = lambda self, path: {}  # type: ignore[method-assign]
    sources._get_profiles_path = lambda: DEFAULT_PROFILES_PATH
    profiles._read_profiles_from = lambda path: read_profiles(DEFAULT_PROFILES_PATH)
    for cls in _settings_classes(Settings):
        cls.model_config["env_file"] = None
