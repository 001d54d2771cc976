"""One target in, one DomainResult out."""
