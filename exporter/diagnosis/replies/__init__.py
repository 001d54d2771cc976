"""Refusing replies: from the words of a server to a failure class."""
