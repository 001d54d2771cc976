"""Endpoints for programs: scrapes, probes, service discovery, health checks, reload, the configuration."""
