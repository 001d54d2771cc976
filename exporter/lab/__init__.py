"""Hosts that misbehave on command, on loopback: for tests, and for the demo."""
