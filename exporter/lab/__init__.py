"""Hosts that misbehave on command: the servers of the tests, and of the world that `mx-exporter demo` shows.

A host is made, started, and stopped. In a test with an event loop::

    host = SmtpHost(ordinary("mx.example", RCPT=reply(451, "4.7.1 Greylisted")))
    async with listening(host) as port:
        result = await probe("127.0.0.1", port)

and in one without, `with listening_in_thread(host) as port:`. Port 0 is the default: one that is free. Afterwards
`host.sessions` has the lines of each client, and the end of its session.

Everything stays on this machine: a host listens on loopback addresses only, and raises ValueError for another; none of
them opens a connection to another host. (A test that has a network namespace of its own says `beyond_loopback=True`.)

==========================  ===============================================================================
host                        its scripted behaviour
==========================  ===============================================================================
:mod:`~.smtp_host`          speak SMTP by a script; see below
:mod:`~.silent_host`        swallow every SYN, as a packet filter does that drops; no root needed
:mod:`~.dns_host`           answer from a table, over UDP and TCP; see below
:mod:`~.https_host`         take TLS, then send bytes late, in pieces, unasked, or nothing before a gate opens
:mod:`~.imap_host`          the folders of one user by IMAP over TLS; a message is put in by `deliver()`
nothing at all              refuse connections: take a free port and listen on none
==========================  ===============================================================================

A script (:mod:`~.smtp_script`) has an answer for the greeting and for each verb. An answer is bytes, or a tuple of:

============================  ===============================================================================
step                          what happens
============================  ===============================================================================
`bytes`, `reply(250, ...)`    sent as they stand, well formed or not
`None` (as the answer)        nothing is said, and the client is listened to further
`Wait(seconds)`               nothing for so long, or until the client has gone
`Drip(data, seconds)`         byte by byte, with a pause before each
`Flood(data, seconds)`        the same again and again, until the client has gone
`SwitchToTls(context, then)`  a TLS handshake; `then` is the script under TLS
`CLOSE`, `RESET`              FIN, RST
`HALF_CLOSE`                  FIN, and the client is listened to further
============================  ===============================================================================

`SmtpScript(implicit_tls=context)` has TLS from the first byte, as on port 465. Certificates, valid, expired, or of an
authority that the client does not trust, come from :mod:`~.certificates`.

A name server has a :class:`~.dns_host.Fault` for a name, or for one type of it; several may be in one:

==========================  ===============================================================================
fault                       what happens
==========================  ===============================================================================
`rcode`                     an error in place of the records: SERVFAIL, REFUSED, ...
`extended_error`            an RFC 8914 code with it, or beside the records
`silent`, `delay`           no answer; an answer that comes late
`no_edns`, `drops_edns`     an error, or silence, for questions with EDNS
`truncated`, `tcp_closed`   TC over UDP, always; a connection that is closed without an answer
`wrong_id`                  the id of another question
`wrong_question`            the name of another question
`raw`                       these bytes behind the id, well formed or not
`authenticated`             the AD flag
==========================  ===============================================================================

`DnsHost(messages=...)` makes each answer in a function, byte by byte.
"""
