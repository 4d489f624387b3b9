"""The packaged TLS roots are Amazon's five root CAs, by the key hashes that Amazon Trust Services publishes."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tasks.paths import ROOT

# https://www.amazontrust.com/repository/: SHA-256 of the subject's public key information.
PUBLISHED = {
    "Amazon Root CA 1": "fbe3018031f9586bcbf41727e417b7d1c45c2f47f93be372a17b96b50757d5a2",
    "Amazon Root CA 2": "7f4296fc5b6a4e3b35d3c369623e364ab1af381d8fa7121533c9d6c633ea2461",
    "Amazon Root CA 3": "36abc32656acfc645c61b71613c4bf21c787f5cabbee48348d58597803d7abc9",
    "Amazon Root CA 4": "f7ecded5c66047d28ed6466b543c40e0743abe81d109254dcf845d4c2c7853c5",
    "Starfield Services Root Certificate Authority - G2": "2b071c59a0a0ae76b0eadb2bad23bad4580b69c3601b630c2eaf0613afa83f92",
}
YEARS_LEFT_MIN = 5  # a deployment may run for years without an update


def roots() -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((ROOT / "shared" / "src" / "aws" / "tls_roots" / "amazon.pem").read_bytes())


def test_roots_are_exactly_the_published_ones() -> None:
    name = lambda root: str(root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)  # noqa: E731
    key = lambda root: hashlib.sha256(root.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()  # noqa: E731
    assert {name(root): key(root) for root in roots()} == PUBLISHED
    assert len(roots()) == len(PUBLISHED)


def test_no_root_expires_soon() -> None:
    soon = datetime.now(timezone.utc) + timedelta(days=365 * YEARS_LEFT_MIN)
    assert all(root.not_valid_after_utc > soon for root in roots())
