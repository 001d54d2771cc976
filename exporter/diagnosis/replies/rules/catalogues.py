"""Numbered reasons of large providers, from the catalogues they publish: the finest that a reply can say."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.replies.rule import DIALOGUE, Rule, says
from exporter.model.failure import FailureClass as C


def _charter(numbers: str) -> re.Pattern[str]:
    """AUP#In-1310, AUP#Out-1000, AUP#I-1190."""
    return re.compile(rf"aup#[a-z]{{1,3}}-(?:{numbers})\b")


TAGS: Final = (
    # Yahoo and AOL: [TSS04], [BL21], (RLY:B1)
    Rule(
        C.REPUTATION_BLOCKED,
        says(
            "ts01|ts02|ts03|tss01|tss02|tss03|tss04|tss05|tss06|tss07|tss08|tss09|tss10|tss11|tss12",  # deferred
            "bl21|bl22|bl23|ipts04",  # listed
            "dyn t1|t2",
            "rtr|rly|con|hvu|snd b1|b2|b3|bl|bd|bb|bg|ch|ch1|ch2|cn1|cs1|du|ge|ib|in|nw|ob|rd|sc|sn",
        ),
        stages=DIALOGUE,
    ),
    Rule(C.POLICY_REJECTED, says("ph01"), stages=DIALOGUE),  # phishing
    Rule(C.RDNS_REQUIRED, says("dns nr"), stages=DIALOGUE),
    # Outlook.com: (S3140), a network on its list
    Rule(C.REPUTATION_BLOCKED, says("s3140|s3150"), stages=DIALOGUE),
    # Exchange Online: the third number says it, whatever the text
    Rule(C.REPUTATION_BLOCKED, status=re.compile(r"[45]\.7\.(?:511|60[6-9]|6[1-4]\d|708|750)")),
    Rule(C.RATE_LIMITED, status=re.compile(r"4\.7\.(?:500|65\d)|5\.7\.705|5\.2\.12[12]")),
    Rule(C.SENDER_AUTH_FAILED, status=re.compile(r"5\.7\.(?:509|515)")),
    # NetEase (163.com, 126.com): "550 DT:SPM 163 mx1,..."
    Rule(C.REPUTATION_BLOCKED, says("hl ihu|ipb|rep", "mi spb", "wm bli|blf"), stages=DIALOGUE),
    Rule(C.RATE_LIMITED, says("hl icc|ifc|mep|itc", "rp drc|ccl|qrc|srt|trc|cel", "mi cel|dmc|ccl"), stages=DIALOGUE),
    Rule(C.POLICY_REJECTED, says("dt spm"), stages=DIALOGUE),
    Rule(C.RDNS_REQUIRED, says("rp rdn"), stages=DIALOGUE),
    # Facebook: RCP-P1, DNS-P3, POL-P6
    Rule(C.MAILBOX_UNKNOWN, says("rcp p1|p2|p3"), stages=DIALOGUE),
    Rule(C.RDNS_REQUIRED, says("dns p3"), stages=DIALOGUE),
    Rule(C.TEMPFAIL, says("rcp|int t1|t2|t3|t4|t5|t6"), stages=DIALOGUE),
    # Comcast: BL000001, RL000003
    Rule(C.REPUTATION_BLOCKED, says("bl0000*"), stages=DIALOGUE),
    Rule(C.RATE_LIMITED, says("rl0000*"), stages=DIALOGUE),
    # Cox and AT&T: AUP#CXRBL, IPBL0001, DNSBL:ATTRBL
    Rule(C.REPUTATION_BLOCKED, says("cxbl|cxrbl|sxbl|cdrbl|attrbl|ipbl*", "aup poor|bl"), stages=DIALOGUE),
    Rule(C.RATE_LIMITED, says("cxcnct|cxmxrt"), stages=DIALOGUE),
    Rule(C.RDNS_REQUIRED, says("cxdns"), stages=DIALOGUE),
    Rule(C.SENDER_AUTH_FAILED, says("cxsndr"), stages=DIALOGUE),
    # Charter and Spectrum: AUP#In-1310
    Rule(C.REPUTATION_BLOCKED, names=_charter("1000|12[0-5]0"), stages=DIALOGUE),
    Rule(C.RDNS_REQUIRED, names=_charter("11[0-5]0"), stages=DIALOGUE),
    Rule(C.POLICY_REJECTED, names=_charter("11[6-9]0|1560"), stages=DIALOGUE),
    Rule(C.RATE_LIMITED, names=_charter("13[0-9]0|14[0-9]0|1540|1550|1580"), stages=DIALOGUE),
    Rule(C.SENDER_REJECTED, names=_charter("15[0-2]0"), stages=DIALOGUE),
    Rule(C.MESSAGE_TOO_LARGE, names=_charter("1530"), stages=DIALOGUE),
)
