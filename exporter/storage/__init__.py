"""The state that survives a restart: written to a file, and read back as what a stranger may have made."""
