"""A small mail world on loopback, to try the exporter on."""
