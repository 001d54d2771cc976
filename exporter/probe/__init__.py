"""One target in, one ProbeResult out."""
