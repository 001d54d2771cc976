"""One line and a state for Nagios and its like, whatever happens."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import sys
from collections.abc import Iterator

import pytest

from exporter.commands.mistakes import ManualError
from exporter.commands.nagios import NagiosReport, PluginState, as_plugin, state_of
from exporter.config.problems import ConfigError, ConfigProblem
from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.model.result import DomainResult
from exporter.model.warning import DomainWarning
from exporter.report.local_state import local_state
from tests.results import changed, domain, down_host, result, up_host

FINE = result(changed(up_host(), warnings=()))
BAD = result(down_host())
# https://www.monitoring-plugins.org/doc/guidelines.html, "Performance data"
PERFORMANCE = re.compile(r"('[^'=]+'|[^'= ]+)=-?[0-9.]+s?;[0-9.]*;[0-9.]*;[0-9.]*(;[0-9.]*)?")


def told(*results: tuple[str, DomainResult]) -> tuple[str, int]:
    """The line, and the exit code."""
    out = io.StringIO()
    report = NagiosReport(out)
    for name, each in results:
        report.progress(each)
        report.add(domain(name), each)
    code = report.finish()
    (line,) = out.getvalue().splitlines()
    return line, code


def of_verdict(failure_class: FailureClass, confidence: Confidence = Confidence.CERTAIN) -> DomainResult:
    return result(changed(down_host(), failure=Failure(Stage.BANNER, failure_class, "said so", confidence)))


def test_what_is_up_is_ok_with_its_time_and_its_addresses() -> None:
    line, code = told(("a.example", FINE))
    assert line == "MX OK - a.example is up: 1 of 1 address takes mail. | time=0.300000s;;;0 addresses_up=1;;;0;1"
    assert code == 0


@pytest.mark.parametrize(
    ("each", "state"),
    [
        (FINE, 0),
        (result(up_host()), 1),
        (FINE._replace(warnings=(DomainWarning.MTA_STS_MISMATCH,)), 1),
        (of_verdict(FailureClass.GREYLISTED), 1),
        (BAD, 2),
        (of_verdict(FailureClass.CONNECT_REFUSED), 2),
        (of_verdict(FailureClass.BANNER_TIMEOUT, Confidence.UNCERTAIN), 2),
        (of_verdict(FailureClass.NOT_SMTP), 2),
        (of_verdict(FailureClass.MAILBOX_UNKNOWN), 2),
        (of_verdict(FailureClass.OFFLINE), 3),
    ],
)
def test_each_verdict_has_its_state(each: DomainResult, state: int) -> None:
    line, code = told(("a.example", each))
    assert code == state == state_of(each)
    assert line.startswith(f"MX {PluginState(state).name} - ")


def test_every_verdict_was_tried() -> None:
    classes = (FailureClass.GREYLISTED, FailureClass.REPUTATION_BLOCKED, FailureClass.CONNECT_REFUSED)
    others = (FailureClass.NOT_SMTP, FailureClass.MAILBOX_UNKNOWN, FailureClass.OFFLINE)
    assert {each.verdict for each in (*classes, *others)} | {Verdict.UNDETERMINED} == {*Verdict}


def test_a_warning_and_a_failure_are_named() -> None:
    assert "in the clear (starttls_not_offered) |" in told(("a.example", result(up_host())))[0]
    assert told(("a.example", BAD))[0].startswith("MX CRITICAL - blocked, reputation_blocked: a.example: mx2.")


def test_of_several_names_the_worst_is_the_state_and_stands_first() -> None:
    unsure = of_verdict(FailureClass.BANNER_TIMEOUT, Confidence.UNCERTAIN)
    line, code = told(("a.example", FINE), ("b.example", result(up_host())), ("c.example", unsure))
    text, performance = line.split(" | ")
    assert text == (
        "MX CRITICAL - 3 names: 1 undetermined?, 2 up - c.example undetermined?, banner_timeout "
        "- b.example up with starttls_not_offered"
    )
    assert performance.startswith("'c.example time'=0.300000s;;;0 'c.example addresses_up'=0;;;0;1 'b.example ")
    assert code == 2
    assert told(("a.example", of_verdict(FailureClass.OFFLINE)), ("b.example", result(up_host())))[1] == 1
    assert told(("a.example", of_verdict(FailureClass.OFFLINE)), ("b.example", FINE))[1] == 3


def test_of_many_names_the_first_are_named_and_the_rest_is_counted() -> None:
    line, _ = told(*((f"{number}.example", BAD) for number in range(9)))
    assert line.count("- ") == 1 + 5 + 1
    assert " - and 4 more |" in line


@pytest.mark.parametrize("names", [("a.example",), ("a.example", "[2001:db8::1]:25")])
def test_the_performance_data_keeps_the_form(names: tuple[str, ...]) -> None:
    line, _ = told(*((name, FINE) for name in names))
    performance = line.split(" | ")[1]
    found = [match[0] for match in PERFORMANCE.finditer(performance)]
    assert " ".join(found) == performance
    assert len(found) == 2 * len(names)


def test_what_a_server_says_stays_on_the_line_and_before_the_bar() -> None:
    evil = "the server said: 554 5.7.1 \x1b[31m|'x'=1\n| y=2"
    line, _ = told(("a.example", result(changed(down_host(), failure=of_evil(evil)))))
    assert line.isprintable()
    assert line.count("|") == 1
    assert len(line) < 1200


def of_evil(detail: str) -> Failure:
    return Failure(Stage.BANNER, FailureClass.REPUTATION_BLOCKED, detail + "z" * 4000)


def test_our_own_side_stands_first() -> None:
    out = io.StringIO()
    report = NagiosReport(out)
    report.know(
        local_state(
            {Family.IPV4: EgressView(EgressState.BLOCKED, Confidence.CERTAIN)}, (), {FailureClass.EGRESS_BLOCKED: 1}
        )
    )
    report.add(domain("a.example"), BAD)
    report.finish()
    assert out.getvalue().startswith("MX CRITICAL - Port 25 is blocked on OUR side (IPv4, certain): 1 target")


def test_no_result_is_unknown() -> None:
    out = io.StringIO()

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert as_plugin(interrupted, out) == 3
    assert out.getvalue() == "MX UNKNOWN - interrupted before any result\n"


@pytest.fixture(params=[signal.SIG_IGN, signal.default_int_handler], ids=["in the background", "at a terminal"])
def interrupt(request: pytest.FixtureRequest) -> Iterator[object]:
    """The handler of SIGINT that a program starts with: a shell has it ignored in the background."""
    before = signal.signal(signal.SIGINT, request.param)
    yield request.param
    signal.signal(signal.SIGINT, before)


def test_a_supervisor_that_ends_it_gets_its_line(interrupt: object) -> None:
    out = io.StringIO()
    before = signal.getsignal(signal.SIGTERM)

    async def probing() -> int:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.Event().wait()
        return 0

    assert as_plugin(lambda: asyncio.run(probing()), out) == 3
    assert out.getvalue() == "MX UNKNOWN - interrupted before any result\n"
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == (before, interrupt)


def test_an_interrupted_probe_is_unknown_however_well_the_others_are() -> None:
    out = io.StringIO()
    report = NagiosReport(out)
    report.add(domain(), result(up_host()))
    assert as_plugin(lambda: report.finish(["slow.example"]), out) == 3
    assert out.getvalue() == "MX UNKNOWN - interrupted, without a result: slow.example; healthy.example up\n"


def _misused() -> int:
    print("mx-exporter probe: unknown flag --jsn\nSee mx-exporter probe --help.", file=sys.stderr)
    raise SystemExit(2)


def _mistaken() -> int:
    raise ManualError("argument 1: no name\nargument 2: no name")


def _misconfigured() -> int:
    raise ConfigError((ConfigProblem("c.yaml", 1, 2, "x", "unknown key"),))


def _broken() -> int:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("work", "line"),
    [
        (_misused, "mx-exporter probe: unknown flag --jsn"),
        (_mistaken, "argument 1: no name; argument 2: no name"),
        (_misconfigured, "c.yaml:1:2: x: unknown key"),
        (_broken, "internal error: RuntimeError('a bug')"),
    ],
)
def test_whatever_keeps_it_from_its_work_is_unknown(
    work: object, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = io.StringIO()
    assert callable(work)
    assert as_plugin(work, out) == 3
    assert out.getvalue() == f"MX UNKNOWN - {line}\n"
    assert capsys.readouterr() == ("", "")


def test_the_state_of_the_work_is_passed_on_and_help_is_no_failure() -> None:
    def help_was_shown() -> int:
        raise SystemExit(0)

    assert as_plugin(lambda: 2, io.StringIO()) == 2
    assert as_plugin(help_was_shown, io.StringIO()) == 0
