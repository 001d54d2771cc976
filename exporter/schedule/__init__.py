"""The moments at which targets are probed, and the shard that each target belongs to."""
