"""The path from a server's certificate to a root, and the purposes along it."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from exporter.tls.certification_path import NoPath, find_path, wrong_purpose
from exporter.tls.dated_certificate import DatedCertificate, dated
from exporter.tls.roots import Roots
from tests.support.certificates import DAY, NOW, Issued, authority, issue

ROOT = authority()
MIDDLE = issue(by=ROOT, ca=True, subject="Lab Intermediate")
LEAF = issue("mx.example.org", by=MIDDLE)
ROOTS = Roots([ROOT.der])


def _chain(*issued: Issued) -> list[DatedCertificate]:
    found = [dated(each.der) for each in issued]
    return [each for each in found if each is not None]


def test_a_path_leads_to_the_root_and_has_only_the_certificates_that_it_needs() -> None:
    spare = issue(by=ROOT, ca=True, subject="Spare")
    path = find_path(_chain(LEAF, spare, MIDDLE), ROOTS, NOW.timestamp())
    assert not isinstance(path, NoPath)
    assert [each.der for each in path] == [LEAF.der, MIDDLE.der, ROOT.der]
    assert wrong_purpose(path) is None


def test_without_the_intermediate_there_is_no_path() -> None:
    path = find_path(_chain(LEAF), ROOTS, NOW.timestamp())
    assert isinstance(path, NoPath)
    assert path.depth == 0
    assert path.certificate is not None
    assert path.certificate.der == LEAF.der


def test_dates_count_only_where_a_time_is_given() -> None:
    expired = issue("mx.example.org", by=ROOT, start=-90 * DAY, end=-1 * DAY)
    chain = _chain(expired)
    later = chain[0].not_after + 1.0
    assert isinstance(find_path(chain, ROOTS, later), NoPath)
    assert not isinstance(find_path(chain, ROOTS, None), NoPath)


def test_a_certificate_for_clients_has_the_wrong_purpose() -> None:
    client = issue("mx.example.org", by=ROOT, extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])])
    chain = _chain(client, ROOT)
    assert wrong_purpose(chain) == chain[0]
