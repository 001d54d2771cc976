"""The moments at which targets are probed, and the shard that a target belongs to."""
