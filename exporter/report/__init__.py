"""Results in words: the summary of a result, the transcript of its dialogue, and the same as JSON."""
