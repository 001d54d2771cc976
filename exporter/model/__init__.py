"""The values that all rooms speak: immutable, without socket, clock or metric."""
