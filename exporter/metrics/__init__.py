"""Every metric name and help text; results in, exposition text out. The only room that imports prometheus_client."""
