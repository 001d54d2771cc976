"""What is shown and published of a result in which every text is a stranger's."""

from __future__ import annotations

import asyncio
import io
import json
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any, Final

import dns.name
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as _openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as _plain_families

from exporter.app.results import Results
from exporter.commands.reports import TranscriptReport
from exporter.commands.terminal import Screen
from exporter.metrics.exposition import exposition, negotiate
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode, MtaStsProblem, TlsRpt
from exporter.model.printable import printable
from exporter.model.result import DomainResult, HostResult, MxHost, Said, TlsResult, TranscriptLine
from exporter.model.target import Target as ProbeTarget
from exporter.model.warning import HostWarning
from exporter.report.as_json import as_json
from exporter.report.incident import MAX_CHARACTERS, Incident, SessionDialogue, incident_report
from exporter.report.local_state import LocalState
from exporter.report.transcript import transcript_text
from exporter.store.row import NO_ROW
from exporter.store.targets import TargetStore
from exporter.store.transcripts import TranscriptStore
from exporter.web.app import create_app
from tests.attack.fuzz.frame import Target, agree
from tests.attack.fuzz.targets.promises import harmless, name_text, options
from tests.results import AT, changed, domain, result, up_host
from tests.support.markup import Markup
from tests.support.steps import at_once
from tests.web.fake_backend import FakeBackend

_parse_plain: Callable[[str], Iterable[Metric]] = _plain_families
_parse_openmetrics: Callable[[str], Iterable[Metric]] = _openmetrics_families
_CLASSES: Final = tuple(FailureClass)
_STAGES: Final = tuple(Stage)
# What a browser would make of an input's markup: no template has any of it.
_CANARY: Final = "<zq onzq=1 '\"&>"
_PATHS: Final = (
    "/",
    "/domain/evil.example",
    "/egress",
    "/certificates",
    "/domain/evil.example?refresh=off",
    "/?q=evil&state=undetermined",
)


class _Texts:
    """Pieces of an input, one after the other, and from the front again."""

    def __init__(self, data: bytes) -> None:
        self._pieces = data.split(b"\x1e") or [b""]
        self._place = -1

    def raw(self) -> bytes:
        self._place = (self._place + 1) % len(self._pieces)
        return self._pieces[self._place]

    def text(self) -> str:
        """Such as a reply's text, or a reason: of any characters, and of a bounded length as all that is kept."""
        return (self.raw()[:2000].decode("utf-8", "replace") + _CANARY)[:2048]

    def shown(self) -> str:
        """Such as a certificate's names, which are made harmless where they are read."""
        return printable(self.text(), 400)

    def label(self) -> str:
        """Such as a list of domains may give one: no control characters, and all others."""
        return "".join(char for char in self.text()[:1000] if unicodedata.category(char) not in ("Cc", "Cs"))

    def name(self) -> str:
        """Such as the resolver reads from a message: any bytes in labels, in the text form of RFC 4343."""
        labels = [self.raw()[:63] or b"x", b"<zq>", b"example", b""]
        return name_text(dns.name.Name(labels))


def _failure(texts: _Texts, failure_class: FailureClass, stage: Stage) -> Failure:
    return Failure(stage, failure_class, texts.text(), evidence=(texts.text(), texts.text()), about=texts.text())


def _host(texts: _Texts, failure: Failure | None, address: str) -> HostResult:
    fault = _failure(texts, FailureClass.TLS_UNTRUSTED, Stage.TLS)
    lines = tuple(TranscriptLine(place / 10, place % 2 == 0, texts.raw()[:4096] + b"\r\n") for place in range(6))
    return changed(
        up_host(texts.name(), address),
        failure=failure,
        own_failure=failure,
        warnings=(HostWarning.CONTRADICTORY_CODES, HostWarning.BARE_LF),
        transcript=lines,
        tls=TlsResult("TLSv1.3", "TLS_AES_256_GCM_SHA384", False, (fault,), AT, AT, texts.shown(), texts.shown()),
        tls_at=0.2,
        remarks=(texts.text(),),
        recipients=((texts.text(), 250), (texts.text(), 550)),
        dane=Dane(DaneState.MISMATCH, ("3 1 1 " + "ab" * 32,), texts.text()),
    )


def _result(data: bytes) -> tuple[ProbeTarget, DomainResult]:
    (chosen, stage), rest = options(data, 2)
    texts = _Texts(rest)
    failure = _failure(texts, _CLASSES[chosen % len(_CLASSES)], _STAGES[stage % len(_STAGES)])
    hosts = (
        _host(texts, failure, "192.0.2.9"),
        _host(texts, None if chosen >= 128 else failure, "2001:db8::9"),
    )
    probed = result(*hosts, failure=failure, name="evil.example")
    lookup = probed.lookup
    if lookup is not None:
        named = MxHost(
            texts.name(), 10, failure=_failure(texts, FailureClass.DNS_MALFORMED, Stage.DNS), alias_of="a.example"
        )
        lookup = replace(lookup, hosts=(*lookup.hosts, named), alias_of=texts.name(), nameserver="192.0.2.53")
    mta_sts = MtaSts(MtaStsMode.UNKNOWN, False, MtaStsProblem.HTTP, texts.text())
    probed = probed._replace(lookup=lookup, mta_sts=mta_sts, tls_rpt=TlsRpt(True, False, texts.text()))
    return domain("evil.example", team=texts.label()), probed


def render_pages(data: bytes) -> None:
    """Every page of it: the markup is ours alone, and nothing on it changes how the rest is shown."""
    for path, page in zip(_PATHS, asyncio.run(_pages(*_result(data))), strict=True):
        harmless(page, path, allowed="\n", limit=2**20)
        agree("<zq" not in page, f"{path} has markup of a stranger's")
        seen = Markup()
        seen.feed(page)
        agree(not seen.tags & {"style", "img", "iframe", "object", "base", "zq"}, f"{path}: {seen.tags}")
        agree(not [name for name in seen.attributes if name.startswith("on") or name == "style"], f"{seen.attributes}")
        links = [link for link in seen.links if ":" in link.partition("?")[0]]
        agree(not links, f"{path} leads to {links}")


async def _pages(target: ProbeTarget, probed: DomainResult) -> list[str]:
    backend = _backend()
    store = TargetStore(lambda record, before: NO_ROW)
    at_once(store.replacing([target]))
    store.record(target, probed, turn=True)
    dialogues = TranscriptStore()
    for host in probed.hosts:
        dialogues.keep(host.identity, host, Said.of(host.transcript))
    backend.kept = backend.references = store.records()
    backend.transcripts = dialogues.of(host.identity for host in probed.hosts)
    said = probed.hosts[0].outcome.remarks[0]
    view = EgressView(EgressState.INTERCEPTED, common_fingerprint=f"name:{said}", passing_traffic=said, networks=4)
    backend.families = dict.fromkeys(target.settings.families, view)
    return [await _page(path) for path in _PATHS]


@cache
def _backend() -> FakeBackend:
    return FakeBackend()


@cache
def _app() -> Any:
    return create_app(_backend())


async def _page(target: str) -> str:
    path, _, query = target.partition("?")
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(b"host", b"localhost:10225")], "client": ("127.0.0.1", 4711), "server": ("127.0.0.1", 10225),
    }  # fmt: skip
    await _app()(scope, receive, send)
    agree(sent[0]["status"] == 200, f"{target}: {sent[0]['status']}")
    body: bytes = b"".join(message.get("body", b"") for message in sent[1:])
    return body.decode()


class _Terminal(io.StringIO):
    """Eighty columns without colours."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def write_texts(data: bytes) -> None:
    """On a terminal, in `debug=true`, in a report and as JSON: lines of ours, and in them nothing that acts."""
    target, probed = _result(data)
    plain = {"NO_COLOR": "1", "COLUMNS": "80"}
    for summarised in (False, True):
        harmless(transcript_text(probed, summarised=summarised), "the dialogue", allowed="\n", limit=2**20)
    terminal = _Terminal()
    report = TranscriptReport(Screen(terminal, plain), "me.example")
    report.add(target, probed)
    report.finish()
    harmless(terminal.getvalue(), "the report", allowed="\n", limit=2**20)
    dialogues = {host.identity: SessionDialogue(AT, host.transcript) for host in probed.hosts}
    incident = Incident(target.name, probed, target.settings, "me.example", AT, LocalState(), dialogues=dialogues)
    harmless(incident_report(incident), "the report for a ticket", allowed="\n", limit=MAX_CHARACTERS)
    written = json.dumps(as_json(target.name, probed, helo="me.example"), ensure_ascii=False)
    agree("\n" not in written and written.encode(), "two lines of JSON")
    found = json.loads(written)
    harmless(f"{found['summary']} {found['next']}", "the summary", limit=16384)


def publish(data: bytes) -> None:
    """The exposition: what was put in comes out, of two parsers, and nothing besides."""
    target, probed = _result(data)
    results = Results()
    at_once(results.replacing([target, domain("beside.example")], []))
    for seen in (probed, probed._replace(duration=1.5, at=probed.at + 60)):
        results.domain_told(target, seen, turn=True)
        for host in seen.hosts:
            results.host_told(host.identity, host, session=True)
    rows = [*results.rows()]
    mx = sorted(identity.mx for identity in {host.identity for host in probed.hosts})
    for accept, parse in (("text/plain", _parse_plain), ("application/openmetrics-text", _parse_openmetrics)):
        text = b"".join(exposition(rows, None, negotiate(accept))).decode()
        found = [sample for family in parse(text) for sample in family.samples]
        lines = [line for line in text.split("\n") if line and line[0] != "#"]
        agree(len(lines) == len(found), f"{len(lines)} lines, {len(found)} samples")
        agree(all(sample.name.startswith("mx_") for sample in found), "a sample of a stranger's")
        up = [sample.labels for sample in found if sample.name == "mx_host_up"]
        agree(sorted(labels["mx"] for labels in up) == mx, f"{up} for {mx}")
        labelled = {sample.labels["team"] for sample in found if "team" in sample.labels}
        agree(labelled == {dict(target.labels)["team"]}, f"{labelled}")


_HOSTILE: Final = (
    b"<script>", b"\x1b[31m", "\u202e\u200b\ufeff".encode(), b"\x1e", b'"', b"\\n", b"\n", b"\r\n", b"&lt;",
    b"javascript:", b"{{7*7}}", b"\x00", b"\xff\xfe", b"`a`", b"% ", b"\\", b"</pre>", b"5.7.1", b"# EOF\n",
    b'"} 1\nmx_evil 1\n', b"'onload='", b"\xf3\xa0\x81\x81",
)  # fmt: skip
TARGETS: Final = (
    Target("pages", render_pages, tokens=_HOSTILE, max_bytes=16384, cpu_seconds=1.0),  # mostly to read them
    Target("texts", write_texts, tokens=_HOSTILE, max_bytes=16384),
    Target("exposition", publish, tokens=_HOSTILE, max_bytes=16384),
)
