"""The options of one probe, handed whole from the caller to the sessions."""

from __future__ import annotations

from typing import NamedTuple

from exporter.model.result import TranscriptLine

# The transcripts of a probe, by MX host and address.
Transcripts = dict[tuple[str, str], tuple[TranscriptLine, ...]]


class ProbeOptions(NamedTuple):
    """The options of one probe; by default one of the schedule."""

    fresh: bool = False  # with sessions of its own: no other target's session is taken for it
    transcript: bool = False  # the result has the transcripts
    transcripts: Transcripts | None = None  # the transcripts are put there
    within: float | None = None  # seconds for everything together, the lookup too

    @property
    def records_transcripts(self) -> bool:
        """The sessions record transcripts, for the result or beside it."""
        return self.transcript or self.transcripts is not None


SCHEDULED = ProbeOptions()
