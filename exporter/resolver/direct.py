"""One question to one name server of a zone, without recursion: what the server itself says about MX records."""

from __future__ import annotations

import asyncio
from typing import Final

import dns.exception
import dns.flags
import dns.rcode
import dns.rdatatype

from exporter.model.printable import printable
from exporter.model.zone import DirectAnswer, DirectOutcome
from exporter.resolver import wire
from exporter.resolver.answer import records_of, signature_of
from exporter.resolver.domain_names import MalformedReply
from exporter.resolver.edns import Address, EdnsSupport
from exporter.resolver.message import UselessReply, section_of
from exporter.resolver.query import OUR_LIMITS, DnsQuery
from exporter.resolver.query_attempt import NoReply, server_text
from exporter.resolver.udp_socket import PendingQuery, UdpSocket

_AUTHORITY: Final = 0x04  # AA, in the third octet of the header
_RECURSION: Final = 0x80  # RA, in the fourth
_KNOWN: Final = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


class _Socket(UdpSocket):
    """A socket that remembers that our own packet filter let nothing out."""

    is_held_back = False

    def send(self, query: bytes, pending: PendingQuery) -> int:
        try:
            return super().send(query, pending)
        except PermissionError:
            self.is_held_back = True
            raise


class DirectQueries:
    """Asks servers directly: each question has sockets of its own, for there may be thousands of servers."""

    def __init__(self, timeout: float) -> None:
        """`timeout`: seconds for one question, with all its attempts."""
        self.loop = asyncio.get_running_loop()
        self.timeout = timeout
        self.recursion = False
        self.edns = EdnsSupport()
        self.answered: dict[Address, float] = {}
        self._ports: list[_Socket] = []
        self._has_no_route = False

    def port(self, server: Address) -> UdpSocket:
        """See :class:`exporter.resolver.query_attempt.QueryTransport`."""
        if self._ports and not self._ports[-1].worn_out:
            return self._ports[-1]
        port = _Socket(self.loop, server)
        self._has_no_route = port.worn_out
        self._ports.append(port)
        return port

    async def ask(self, server: Address, name: str) -> DirectAnswer:
        """The MX records of `name` at `server`. Once for each object."""
        try:
            section = wire.question_section(name, dns.rdatatype.MX)
            reply = await DnsQuery(self, section, (server,)).answer()
        except NoReply as problem:
            return self._unanswered(server, problem)
        except MalformedReply as problem:
            return DirectAnswer(DirectOutcome.LAME, f"its answer cannot be read: {problem}")
        except (dns.exception.DNSException, UnicodeError) as error:
            return DirectAnswer(DirectOutcome.OURS, printable(f"it cannot be asked about {name}: {error}"))
        except OSError as error:
            ours = error.errno in OUR_LIMITS or self._has_no_route
            outcome = DirectOutcome.OURS if ours else DirectOutcome.SILENT
            return DirectAnswer(outcome, f"it cannot be asked: {error.strerror}")
        finally:
            for port in self._ports:
                port.close()
        return read_direct(name, reply.data)._replace(over_tcp=reply.over_tcp)

    def _unanswered(self, server: Address, problem: NoReply) -> DirectAnswer:
        if self._has_no_route:
            return DirectAnswer(DirectOutcome.OURS, "there is no route to it from here")
        if any(port.is_held_back for port in self._ports):
            return DirectAnswer(DirectOutcome.OURS, "a packet filter of this host lets no question out to it")
        reasons = str(problem).replace(f"{server_text(server)}: ", "")
        why = "" if reasons == "no answer" else f" ({reasons})"
        return DirectAnswer(DirectOutcome.SILENT, f"it does not answer{why}", over_tcp=problem.over_tcp)


def read_direct(name: str, data: bytes) -> DirectAnswer:
    """The answer in a reply about the MX records of `name`."""
    rcode = wire.code_of(data)
    if rcode not in _KNOWN:
        text = dns.rcode.to_text(dns.rcode.Rcode.make(rcode))
        return DirectAnswer(DirectOutcome.LAME, f"it answers {text}")
    if not data[2] & _AUTHORITY:
        how = ", as a resolver" if data[3] & _RECURSION else ""
        return DirectAnswer(DirectOutcome.LAME, f"it answers without authority{how}")
    try:
        section = section_of(data)
        records, _ = records_of(section, data)
    except (MalformedReply, UselessReply) as problem:
        return DirectAnswer(DirectOutcome.LAME, f"its answer cannot be read: {problem}")
    mx = frozenset(record for record in records if isinstance(record, tuple))
    if rcode == dns.rcode.NXDOMAIN:
        return DirectAnswer(DirectOutcome.ANSWERED, f"it says that {name} does not exist")
    if not mx:
        return DirectAnswer(DirectOutcome.ANSWERED)
    # Our own resolver has verified nothing here: the time counts where it has verified the set that it serves itself.
    return DirectAnswer(DirectOutcome.ANSWERED, "", mx, section.ttl, signature_of(section, name, authenticated=False))
