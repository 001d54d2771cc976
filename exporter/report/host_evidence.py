"""The evidence about one host, as lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from exporter.model.evidence import ConnectOutcome, Witness
from exporter.model.failure import FailureClass
from exporter.model.printable import printable
from exporter.model.result import HostResult
from exporter.report.path_summary import path_summary

_NO_ROUTER: Final = "no router"
_NO_ANSWER: Final = "does not answer within"
_WITNESS: Final = MappingProxyType(
    {
        ConnectOutcome.ANSWERED: "answers",
        ConnectOutcome.RESET: "refuses, so the host is there",
        ConnectOutcome.NO_ANSWER: "is silent",
        ConnectOutcome.PROHIBITED: "is prohibited",
    }
)


def is_mentioned(mark: str, text: str) -> bool:
    """True where `text` has the evidence that a mark of :func:`host_evidence` stands for."""
    return re.search(rf"ports? [\d, and]*\b{mark}\b", text) is not None if mark.isdigit() else mark in text


def host_evidence(host: HostResult) -> Iterator[tuple[str, str]]:
    """The evidence of a diagnosis, each piece with a mark: the word by which a text that mentions it is known."""
    own, evidence = host.outcome.own_failure, host.evidence
    if host.failure is None:
        return
    if host.failure.failure_class is FailureClass.BANNER_TIMEOUT:
        yield "RFC 5321 4.5.3.2.1 grants five minutes for the greeting", "five minutes"
    if own is not None and own.failure_class is not host.failure.failure_class:
        silent = own.failure_class is FailureClass.CONNECT_TIMEOUT
        mark = _NO_ANSWER if silent else printable(own.detail)
        yield f"by itself the session showed {own.failure_class}: {printable(own.detail)}", mark
    if evidence is None:
        return
    if evidence.connect is not None and evidence.connect.unsent:
        yield "the kernel counts every SYN as dropped within this host", "SYN"
    for witness in evidence.witnesses:
        yield f"port {witness.port} of the same address {_witness_word(witness)}", str(witness.port)
    if host.outcome.last_hop and evidence.path is None:  # the path says it with the rest
        yield f"the last router that answered on the path is {host.outcome.last_hop}", host.outcome.last_hop


def further_path(host: HostResult, text: str) -> str:
    """The finding of the trace to a host, unless `text` mentions the end of the path."""
    path = host.evidence.path if host.evidence is not None else None
    if path is None or (host.outcome.last_hop or _NO_ROUTER) in text:
        return ""
    return path_summary(path)


def _witness_word(witness: Witness) -> str:
    return _WITNESS.get(witness.outcome, witness.outcome.value.replace("_", " "))
