"""Addresses of farms, certificates, and who is let in."""

from __future__ import annotations

import ssl
import stat
import sys
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from flows.studio.errors import StudioError
from flows.studio.farm import address as addresses
from flows.studio.farm import keys
from flows.studio.farm.address import NoAnswer, chosen_address, parse_address
from tests.flows.studio.farm.lab import Lab, film, planned, running


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("tls://head.lan:8786", "tls://head.lan:8786"),
        ("head.lan", "tls://head.lan:8786"),
        ("10.0.0.7:99", "tls://10.0.0.7:99"),
        ("tcp://127.0.0.1", "tcp://127.0.0.1:8786"),
        ("tcp://localhost:1", "tcp://localhost:1"),
        ("tcp://[::1]:5", "tcp://[::1]:5"),
    ],
)
def test_an_address_is_tls_at_8786_unless_it_says_otherwise(text, whole):
    assert str(parse_address(text)) == whole


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tcp://head.lan:8786", "wanted tls://head.lan"),
        ("tcp://10.0.0.7", "lets everybody on the way"),
        ("tcp://0.0.0.0", "lets everybody on the way"),
        ("tls://me:secret@head.lan", "wanted an address without a password"),
        ("http://head.lan", "wanted tls://"),
        ("tls://head.lan:0", "wanted an address like"),
        ("tls://head.lan:99999", "wanted an address like"),
        ("two words", "wanted an address like"),
        ("", "wanted an address like"),
    ],
)
def test_what_is_no_address_or_would_be_open_to_everybody_is_refused(text, complaint):
    with pytest.raises(StudioError, match=complaint) as error:
        parse_address(text)
    assert error.value.code == 2
    assert "secret" not in str(error.value)


def test_the_command_line_comes_before_the_environment_and_neither_is_no_farm():
    env = {"COLDOPEN_FARM": "tls://env.lan"}
    assert chosen_address(None, {}) is None
    assert chosen_address(None, {"COLDOPEN_FARM": ""}) is None
    assert chosen_address(None, env).host == "env.lan"
    assert chosen_address("tls://option.lan", env).host == "option.lan"
    with pytest.raises(StudioError, match=r"^COLDOPEN_FARM: "):
        chosen_address(None, {"COLDOPEN_FARM": "ftp://x"})


def test_keys_are_ours_alone_and_never_written_over(tmp_path):
    folder = tmp_path / "farm"
    copied = keys.make_keys(folder, ["head.lan", "10.0.0.7"])
    assert copied == folder / "camera"
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert names == {"ca.pem", "cert.pem", "key.pem"}  # the authority's own key is kept nowhere
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*.pem")} == {0o600}
    before = (folder / "key.pem").read_bytes()
    with pytest.raises(StudioError, match="there are keys already"):
        keys.make_keys(folder, ["head.lan"])
    assert (folder / "key.pem").read_bytes() == before


def test_certificates_name_the_head_and_are_signed_by_the_authority(tmp_path):
    keys.make_keys(tmp_path / "farm", ["head.lan", "10.0.0.7"])
    authority = x509.load_pem_x509_certificate((tmp_path / "farm/ca.pem").read_bytes())
    for folder, name in ((tmp_path / "farm", "head"), (tmp_path / "farm/camera", "camera")):
        certificate = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
        certificate.verify_directly_issued_by(authority)
        assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == name
    head = x509.load_pem_x509_certificate((tmp_path / "farm/cert.pem").read_bytes())
    names = head.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["head.lan"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7"]


def test_missing_keys_say_how_to_make_them(tmp_path):
    with pytest.raises(StudioError, match="coldopen farm keys") as error:
        parse_address("tls://head.lan", folder=tmp_path).security()
    assert str(tmp_path / "ca.pem") in str(error.value)


def test_nobody_there_is_one_line(tmp_path):
    with pytest.raises(NoAnswer, match="no answer") as error:
        addresses.check_answer(parse_address("tcp://127.0.0.1:1"))
    assert error.value.code == 2


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(addresses, "find_spec", lambda name: None)
    with pytest.raises(StudioError, match=r'pip install "cold-open\[farm\]"'):
        addresses.require_dask()


def test_a_farm_takes_its_own_certificates_and_no_others(tmp_path):
    home = tmp_path / "lab"
    home.mkdir()
    keys.make_keys(home / "keys", ["127.0.0.1"])
    keys.make_keys(tmp_path / "others", ["127.0.0.1"])
    with running(home, scheme="tls") as lab:
        lab.start_camera("w1", keys=home / "keys" / "camera")
        stranger = parse_address(lab.address, folder=tmp_path / "others")
        with pytest.raises(NoAnswer, match="do not trust each other"):
            addresses.check_answer(stranger)
        _check_without_certificate(lab)
        with lab.head() as farm:
            lab.wait_for_cameras(farm, 1)
            filming = farm.film_shots(planned(2), film(), tmp_path / "clips", on_step=lambda *step: None)
            assert all(one.clip for one in filming)


def _check_without_certificate(lab: Lab) -> None:
    """Neither TLS without a certificate of one's own nor a connection without TLS gets an answer."""
    import socket

    context = ssl.create_default_context(cafile=str(lab.keys / "ca.pem"))
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", lab.port)) as plain:
        plain.settimeout(20)
        with pytest.raises((ssl.SSLError, ConnectionError)), context.wrap_socket(plain) as secured:  # noqa: PT012
            assert secured.recv(1), "it hung up"
            pytest.fail("it spoke to a stranger")
    with socket.create_connection(("127.0.0.1", lab.port)) as plain:
        plain.settimeout(20)
        plain.sendall(b"\0" * 64)
        with suppress(ConnectionResetError):
            assert plain.recv(64)[:1] in (b"", b"\x15")  # nothing, or TLS's own alert
