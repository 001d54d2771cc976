"""A Prometheus exporter for mail-server reachability."""

__version__ = "0.1.0"
