"""Words that servers use for one another, as places of a phrase (see :mod:`exporter.diagnosis.replies.rule`)."""

from __future__ import annotations

from typing import Final

# Recipients.
MAILBOX: Final = (
    "mailbox|mail_box|inbox|account|accounts|user|users|username|recipient|recipients|rcpt|address|addresses|alias|addressee"
    "|mail_address|mail_addresses|destination|receiver|customer|local_part|localpart|mailing_list"
)
NONEXISTENT: Final = (
    "unknown|invalid|no_such|nonexistent|non_existent|inexistent|not_existing|unrecognized|undeliverable|unrouteable"
    "|unroutable"
)
NOT_THERE: Final = (
    f"{NONEXISTENT}|not_found|not_exist*|not_known|not_valid|not_available|not_listed|not_recognized|not_registered"
    "|not_deliverable|not_here|not_present|not_located|not_hosted|not_local|not_in|no_longer|deleted|removed|unallocated|not_ok"
    "|unreachable"
)
OUT_OF_USE: Final = (
    "disabled|suspended|inactive|deactivated|locked|frozen|expired|closed|terminated|discontinued|archived|blocked|on_hold"
    "|not_active|not_activated|not_enabled"
)
# Senders.
SENDER: Final = "sender|originator|return_path|return_address|reverse_path|envelope_from|from_address|mailfrom"
# Messages.
MESSAGE: Final = "message|messages|mail|mails|msg|letter"
CONTENT: Final = f"{MESSAGE}|body|content|data|header|headers|file|attachment"
# The client.
OUR_HOST: Final = "host|hostname|server|client|network|mta|mail_server|mailserver"
OUR_ADDRESS: Final = "ip|ips|subnet|netblock|ip_range|address|addresses"
# Counted things.
TRAFFIC: Final = (
    "connection*|connexion*|session*|message*|mails|recipient*|rcpt*|command*|request*|transaction*|delivery|deliveries|error*"
    "|attempt*|login*|failure*"
)
PERIOD: Final = "per|hour|hourly|hours|day|daily|minute|minutes|second"
OVER: Final = "exceed*|reached|hit|over|above|beyond"
LIMIT: Final = "limit|limits|maximum|max|threshold|number|count|allowance|quota"
# Refusals.
REFUSED: Final = "rejected|refused|denied|blocked|prohibited|forbidden|disallowed|banned"
NOT_ALLOWED: Final = "not_allowed|not_permitted|not_authorized|not_accepted|unauthorized"
UNWANTED: Final = "spam|spams|spamming|unsolicited|unwanted|junk|bulk|ube|phishing|virus|viruses|malware|malicious"
