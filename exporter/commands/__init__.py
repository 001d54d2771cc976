"""The commands that a person runs by hand: `mx-exporter probe`, `mx-exporter trace` and `--config.check`."""
