"""Attacks from outside, a file for each kind: what once stopped the exporter, filled it or drew a word out of it."""
