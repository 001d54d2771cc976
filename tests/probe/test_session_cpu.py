"""The CPU of one session."""

from __future__ import annotations

import time

import pytest

from exporter.probe.session_cpu import SessionCpu


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """CPU seconds of this thread: the last is the present."""
    seconds = [1.0]
    monkeypatch.setattr(time, "thread_time", lambda: seconds[-1])
    return seconds


def test_the_first_reads_in_the_clear_are_free_and_those_of_tls_never() -> None:
    cpu = SessionCpu(0.25)
    assert [cpu.is_free(with_tls=False) for _ in range(65)] == [True] * 64 + [False]
    assert not SessionCpu(0.25).is_free(with_tls=True)
    assert cpu.seconds == 0.0
    assert not cpu.is_too_much


def test_what_is_measured_adds_up_to_too_much(spent: list[float]) -> None:
    cpu = SessionCpu(0.002)
    for at in (1.0, 1.0015):
        spent.append(at)
        assert not cpu.is_too_much
        cpu.begin()
        spent.append(at + 0.0015)
        cpu.end()
    assert cpu.seconds == pytest.approx(0.003, abs=1e-4)
    assert cpu.is_too_much
    assert cpu.excess == "cost this exporter more than 0.002 s of CPU in one session"


def test_what_is_no_cost_of_the_host_is_left_out(spent: list[float]) -> None:
    def read() -> str:
        spent.append(spent[-1] + 0.004)
        return "roots"

    cpu = SessionCpu(0.25)
    assert cpu.unmeasured(read) == "roots"
    cpu.begin()
    assert cpu.unmeasured(read) == "roots"
    spent.append(spent[-1] + 0.001)
    cpu.end()
    assert cpu.seconds == pytest.approx(0.001, abs=1e-4)
    assert time.thread_time() == spent[-1]
