"""A small mail world on loopback, to try the exporter on: `mx-exporter demo`.

Its domains (:mod:`~.domains`) are tables of hosts from the lab (:mod:`exporter.lab`) and of the class that a probe must
give each. :mod:`~.world` runs them, :mod:`~.levers` breaks them by hand, :mod:`~.run` has the exporter probe them.
"""
