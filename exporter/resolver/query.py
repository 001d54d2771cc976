"""One DNS query to nameservers and its answer, as bytes: UDP, and TCP where an answer does not fit.

A query has several attempts within its timeout: at one nameserver after the other, then without EDNS too, for a
middlebox may drop messages with it. All attempts stay open until the query ends, so an answer counts whenever it comes:
a resolver without the answer in its cache may need the whole timeout. The first useful answer ends the query; a refusal
waits for the answers of the other nameservers.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
from collections import deque
from typing import Final

import dns.rcode

from exporter.resolver import wire
from exporter.resolver.domain_names import MalformedReply
from exporter.resolver.edns import Address
from exporter.resolver.query_attempt import (
    DnsReply,
    NoReply,
    QueryAttempt,
    QueryTransport,
    ask_over_tcp,
    server_text,
)

# Attempts at least, at the nameservers in turn, within the timeout. With those without EDNS there are about twice as
# many ids that a forger may hit, of one question (RFC 5452 5).
TRIES: Final = 4
# With a longer timeout an attempt so often: unbound drops an answer that it gets 1.9 s or more after the query
# (discard-timeout), and answers only a client that has asked again since.
_INTERVAL_SECONDS: Final = 1.5
_MAX_TRIES: Final = 16
# Shortages of this host, and no fault of a nameserver.
OUR_LIMITS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_Rcode = dns.rcode.Rcode
# Codes of a nameserver that does not know EDNS (RFC 6891 6.1.3, 7).
_NO_EDNS: Final = frozenset({_Rcode.FORMERR, _Rcode.NOTIMP, _Rcode.BADVERS})
# Codes for which another nameserver may have a better answer, the most telling first.
_UNHELPFUL: Final = (
    _Rcode.SERVFAIL,
    _Rcode.REFUSED,
    _Rcode.NOTAUTH,
    _Rcode.NOTIMP,
    _Rcode.FORMERR,
    _Rcode.BADVERS,
)
# A timer of an event loop may fire a little before its time.
_TIMER_SLACK: Final = 0.001
_TOO_LONG: Final = "the answer is too long for UDP, and over TCP: "


class DnsQuery:
    """One query from its first attempt to its end."""

    __slots__ = (
        "_attempts",
        "_best",
        "_end",
        "_interval",
        "_malformed",
        "_queue",
        "_reasons",
        "_result",
        "_servers",
        "_step",
        "_steps",
        "_tcp_tasks",
        "_timer",
        "_transport",
        "section",
    )

    def __init__(self, transport: QueryTransport, section: bytes, servers: tuple[Address, ...]) -> None:
        self.section = section
        self._transport = transport
        self._end = transport.loop.time() + transport.timeout
        self._queue = deque(servers)  # that may still give a useful answer, the next one first
        self._servers = servers
        tries = min(_MAX_TRIES, math.ceil(transport.timeout / _INTERVAL_SECONDS))
        self._steps = max(TRIES, len(servers) + 1, tries)  # regular attempts, at equal intervals
        self._interval = transport.timeout / self._steps
        self._step = 0
        self._attempts: list[QueryAttempt] = []
        self._tcp_tasks: list[asyncio.Task[None]] = []
        self._best: tuple[int, DnsReply] | None = None  # of the unhelpful answers
        self._reasons: dict[str, None] = {}  # why there is no answer, each once, in order
        self._malformed: MalformedReply | None = None
        self._result: asyncio.Future[DnsReply] = transport.loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    async def answer(self) -> DnsReply:
        """Send the query, and wait for its answer."""
        try:
            self._continue()
            return await self._result
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for attempt in self._attempts:
                if attempt.open and attempt.port is not None:
                    attempt.port.forget(attempt.number)
            for task in self._tcp_tasks:
                task.cancel()
            # The query and its attempts refer to each other: without this they would wait for the garbage collector.
            self._attempts, self._timer = [], None

    # Results of attempts

    def on_answer(self, attempt: QueryAttempt, data: bytes) -> None:
        """Take the answer to an attempt."""
        if self._result.done():
            return
        transport, server = self._transport, attempt.server
        transport.answered[server] = transport.loop.time()
        code = wire.code_of(data)
        if code in _UNHELPFUL:
            self._take_unhelpful(attempt, data, code)
            return
        if attempt.edns:
            transport.edns.answered(server, with_opt=transport.edns.does_edns(server) or wire.opt_of(data) is not None)
        else:
            self._learn_edns_support(server)
        if attempt.over_tcp or not wire.is_truncated(data):
            self._result.set_result(DnsReply(data, server, attempt.over_tcp))
        elif not self._count(server, edns=attempt.edns, over_tcp=True):
            self._begin_tcp(server, edns=attempt.edns)
        else:
            self._continue_if_idle()

    def on_failure(self, attempt: QueryAttempt, reason: str) -> None:
        """Take the failure of an attempt."""
        if self._result.done():
            return
        if attempt.over_tcp:
            reason = _TOO_LONG + reason
            if attempt.edns and not self._count(attempt.server, edns=False, over_tcp=True):
                self._begin_tcp(attempt.server, edns=False)
            elif not any(other.open and other.edns for other in self._attempts if other.server == attempt.server):
                self._give_up_on(attempt.server)
        self._reasons[f"{server_text(attempt.server)}: {reason}"] = None
        self._continue_if_idle()

    def _take_unhelpful(self, attempt: QueryAttempt, data: bytes, code: int) -> None:
        """Keep an unhelpful answer: without EDNS there may be a better one, or another nameserver has one."""
        server, edns = attempt.server, self._transport.edns
        opt = wire.opt_of(data)
        rank = 2 * _UNHELPFUL.index(_Rcode(code)) + (opt is None)
        if self._best is None or rank < self._best[0]:
            self._best = rank, DnsReply(data, server, attempt.over_tcp)
        # A server that knows EDNS answers with it; a middlebox without it may still send the OPT of the query back.
        doubtful = opt is None or not (opt.options or edns.does_edns(server))
        if attempt.edns and (code in _NO_EDNS or doubtful) and self._may_try_plain(server, over_tcp=attempt.over_tcp):
            if attempt.over_tcp:
                self._begin_tcp(server, edns=False)
            else:
                self._send(server, edns=False)
        else:
            self._give_up_on(server)
        if not self._queue or all(other.server not in self._queue for other in self._attempts):
            self._continue()

    def _may_try_plain(self, server: Address, *, over_tcp: bool) -> bool:
        """True where the attempts without EDNS are unanswered so far, and are not too many."""
        plain = [other for other in self._attempts if other.is_like(server, edns=False, over_tcp=over_tcp)]
        return all(other.open for other in plain) and len(plain) < (1 if over_tcp else TRIES)

    def _give_up_on(self, server: Address) -> None:
        """Expect no useful answer from a nameserver."""
        if server in self._queue:
            self._queue.remove(server)

    def _learn_edns_support(self, server: Address) -> None:
        """Learn about EDNS from the useful answer to an attempt without it."""
        edns, now = self._transport.edns, self._transport.loop.time()
        if not any(attempt.edns for attempt in self._attempts if attempt.server == server):
            return  # the lack of support is known already
        if self._best is not None and self._best[1].server == server and wire.code_of(self._best[1].data) in _NO_EDNS:
            edns.rejected(server, now)
        else:
            edns.suspected(server, now)

    # The course of the query

    def _continue(self) -> None:
        """Make the next attempt; in the second half also the other way at each nameserver, with or without EDNS."""
        while not self._result.done():
            if self._step >= self._steps or not self._queue:
                self._finish()
                return
            server = self._queue[0]
            self._queue.rotate(-1)
            is_late = self._step >= self._steps // 2
            self._step += 1
            self._send(server, edns=self._transport.edns.prefers_edns(server, self._transport.loop.time()))
            if is_late:
                self._try_other_edns()
            if any(attempt.open for attempt in self._attempts):
                self._set_timer()
                return

    def _continue_if_idle(self) -> None:
        """Make the next attempt at once where no open attempt is left."""
        if not self._result.done() and not any(other.open for other in self._attempts if other.server in self._queue):
            self._continue()

    def _try_other_edns(self) -> None:
        """Try without EDNS where all attempts had it, and the other way round."""
        for server in tuple(self._queue):
            with_edns, plain = (self._count(server, edns=edns) for edns in (True, False))
            if bool(with_edns) is not bool(plain):
                self._send(server, edns=not with_edns)

    def _set_timer(self) -> None:
        loop = self._transport.loop
        if self._timer is not None:
            self._timer.cancel()
        next_time = loop.time() + self._interval if self._step < self._steps else self._end
        self._timer = loop.call_at(min(self._end, next_time), self._deadline_passed)

    def _deadline_passed(self) -> None:
        """Make the next attempt or end, after reading the sockets: a busy event loop runs its timers first."""
        for port in {attempt.port for attempt in self._attempts if attempt.open and attempt.port is not None}:
            while not self._result.done() and port.read():
                pass
        if self._result.done():
            return
        if self._transport.loop.time() >= self._end - _TIMER_SLACK:
            for attempt in self._attempts:
                if attempt.open:
                    reason = f"{_TOO_LONG}no answer" if attempt.over_tcp else "no answer"
                    self._reasons[f"{server_text(attempt.server)}: {reason}"] = None
            self._finish()
        elif self._step < self._steps and self._queue:
            self._continue()
        else:
            self._step = self._steps
            self._set_timer()

    def _finish(self) -> None:
        """End with the best unhelpful answer, or with the reasons why there is none."""
        if self._result.done():
            return
        if self._best is not None:
            self._result.set_result(self._best[1])
        elif self._malformed is not None:
            self._result.set_exception(self._malformed)
        else:
            names = ", ".join(map(server_text, self._servers))
            over_tcp = any(attempt.over_tcp for attempt in self._attempts)
            self._result.set_exception(NoReply(", ".join(self._reasons) or "no answer", names, over_tcp=over_tcp))

    # Sending

    def _count(self, server: Address, *, edns: bool, over_tcp: bool = False) -> int:
        return sum(attempt.is_like(server, edns=edns, over_tcp=over_tcp) for attempt in self._attempts)

    def _send(self, server: Address, *, edns: bool) -> None:
        attempt = QueryAttempt(self, server, edns=edns)
        try:
            attempt.port = self._transport.port(server)
            attempt.number = attempt.port.send(
                wire.query(self.section, edns=edns, recursion=self._transport.recursion), attempt
            )
        except OSError as error:
            attempt.open = False
            if error.errno in OUR_LIMITS:
                self._result.set_exception(error)
            # No address of this family, no such interface, or a closed port: the next nameserver may do better.
            self._reasons[f"{server_text(server)}: {error.strerror}"] = None
        self._attempts.append(attempt)

    def _begin_tcp(self, server: Address, *, edns: bool) -> None:
        """Try over TCP, once; without an answer in half of the time that is left, without EDNS too."""
        if self._count(server, edns=edns, over_tcp=True) or self._result.done():
            return
        attempt = QueryAttempt(self, server, edns=edns, over_tcp=True)
        self._attempts.append(attempt)
        self._tcp_tasks.append(self._transport.loop.create_task(self._ask_over_tcp(attempt)))

    async def _ask_over_tcp(self, attempt: QueryAttempt) -> None:
        loop = self._transport.loop
        left = max(0.0, self._end - loop.time())
        plain = None
        if attempt.edns:
            plain = loop.call_later(left / 2, lambda: self._begin_tcp(attempt.server, edns=False))
        try:
            recursion = self._transport.recursion
            data = await ask_over_tcp(attempt.server, self.section, edns=attempt.edns, recursion=recursion)
        except MalformedReply as problem:
            attempt.open, self._malformed = False, problem
            self.on_failure(attempt, str(problem))
        except (OSError, EOFError) as error:
            attempt.open = False
            number = getattr(error, "errno", None)  # with the words of the system: asyncio's have the address in them
            self.on_failure(attempt, os.strerror(number) if number else "the connection was closed")
        else:
            attempt.on_answer(data)
        finally:
            if plain is not None:
                plain.cancel()
