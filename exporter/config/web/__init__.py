"""The web configuration file, after the exporter-toolkit of Prometheus."""
