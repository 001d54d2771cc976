"""Metrics: names, HELP texts, samples of results, exposition text. The only room that imports prometheus_client."""
