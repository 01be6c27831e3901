"""Dialling over TLS: who is trusted, and what is said when somebody is not."""

import asyncio
import contextlib

import pytest

from protocol.tls import Identity, TlsError, client_context
from protocol.wire import Opening, RefusedError, UntrustedError, WireError, dial
from tests.certificates import Certificates

from .test_wire import who


@contextlib.asynccontextmanager
async def listening(identity: Identity | None):
    """The port of a listener that accepts everybody who gets so far."""
    async def serve(reader, writer):
        with contextlib.suppress(WireError, OSError, TimeoutError):
            await (await Opening.read(reader, writer)).accept("secret")
        await gone.wait()
        writer.transport.abort()

    gone = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=identity and identity.context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        gone.set()
        server.close()


async def dialled(port, context):
    channel = await dial("127.0.0.1", port, context=context, timeout_s=2, **who())
    await channel.close()


async def test_both_sides_prove_themselves_over_tls(certificates):
    async with listening(Identity(*certificates.issue("127.0.0.1"))) as port:
        await dialled(port, client_context(certificates.authority))


@pytest.mark.parametrize(("names", "days", "sentence"), [
    (["localhost"], 100, "its certificate is not for 127.0.0.1"),
    (["127.0.0.1"], -1, "its certificate has expired"),
    (["127.0.0.1"], 500, "its certificate is not valid yet"),
])
async def test_a_wrong_certificate_is_not_trusted_and_says_why(certificates, names, days, sentence):
    async with listening(Identity(*certificates.issue(*names, days=days))) as port:
        with pytest.raises(UntrustedError, match=sentence):
            await dialled(port, client_context(certificates.authority))


async def test_a_certificate_of_another_authority_is_not_trusted(certificates, tmp_path):
    other = Certificates(tmp_path / "other")
    async with listening(Identity(*other.issue("127.0.0.1"))) as port:
        with pytest.raises(UntrustedError, match="not from the authority that is trusted here"):
            await dialled(port, client_context(certificates.authority))


async def test_a_listener_without_tls_is_not_trusted(certificates):
    async with listening(None) as port:
        with pytest.raises(UntrustedError, match="it does not speak TLS"):
            await dialled(port, client_context(certificates.authority))


async def test_mutual_tls_lets_in_whom_the_authority_knows_and_nobody_else(certificates, tmp_path):
    other = Certificates(tmp_path / "other")
    identity = Identity(*certificates.issue("127.0.0.1"), authority=certificates.authority, mutual=True)
    async with listening(identity) as port:
        await dialled(port, client_context(certificates.authority, *certificates.issue("whoever")))
        with pytest.raises(WireError, match="wants a certificate from this side"):
            await dialled(port, client_context(certificates.authority))
        with pytest.raises(WireError, match="of an authority that it trusts"):
            await dialled(port, client_context(certificates.authority, *other.issue("whoever")))


async def test_who_dials_a_plain_listener_that_refuses_at_once_hears_why():
    async def refuse(reader, writer):
        writer.write(b'{"type":"refused","reason":"over TLS only","event":0}\n')
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    with pytest.raises(RefusedError, match="over TLS only"):
        await dialled(server.sockets[0].getsockname()[1], None)
    server.close()


def test_files_that_cannot_be_used_are_named(certificates, tmp_path):
    certificate, _ = certificates.issue("a")
    _, another = certificates.issue("b")
    with pytest.raises(TlsError, match="do not belong together"):
        Identity(certificate, another)
    with pytest.raises(TlsError, match=r"missing\.pem: No such file"):
        client_context(tmp_path / "missing.pem")
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(TlsError, match=r"text\.pem: it holds no usable certificate"):
        client_context(tmp_path / "text.pem")


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(certificates):
    certificate, key = certificates.issue("a")
    from cryptography.hazmat.primitives import serialization

    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(TlsError, match="the key is encrypted"):
        Identity(certificate, key)


def test_a_renewed_pair_that_does_not_fit_leaves_the_former_one_in_place(certificates):
    certificate, key = certificates.issue("a")
    identity = Identity(certificate, key)
    certificate.write_bytes(certificates.issue("b")[0].read_bytes())
    with pytest.raises(TlsError, match="do not belong together"):
        identity.refresh()
