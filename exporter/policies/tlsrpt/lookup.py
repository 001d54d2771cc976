"""The lookup of a domain's TLS reporting (RFC 8460 3)."""

from __future__ import annotations

from exporter.model.policy import TlsRpt
from exporter.model.printable import printable
from exporter.model.target import Target
from exporter.policies.queries import MAX_SHOWN, NOT_YET, PolicyQueries, failure_of, texts_of, within
from exporter.policies.tlsrpt.record import report_addresses

UNKNOWN = TlsRpt(None, detail=NOT_YET)


async def lookup_tls_rpt(queries: PolicyQueries, target: Target) -> TlsRpt:
    """The TLS reporting of the domain `target`, within its timeout."""
    answer = await within(target.settings.timeout, queries.lookup_txt(f"_smtp._tls.{target.host}"))
    if answer is None:
        return UNKNOWN
    failure = failure_of(answer)
    if failure is not None:
        return TlsRpt(None, detail=failure.detail)
    try:
        rua = report_addresses(texts_of(answer))
    except ValueError as error:
        return TlsRpt(True, False, printable(str(error)))
    return TlsRpt(False) if rua is None else TlsRpt(True, True, rua=rua[:MAX_SHOWN])
