"""A small mail world on loopback, for the demonstration and the tests."""
