"""Results of the past: the latest of each target, its history, and the transcripts of its dialogues."""
