"""The hostile world: hosts, name servers, policy hosts and web clients that attack the exporter, each in a process.

Everything is on loopback addresses of one block of 127.0.0.0/8 chosen at random, so that worlds live side by side. The
good domains among them are the measure: their hosts tell when they were probed.
"""
