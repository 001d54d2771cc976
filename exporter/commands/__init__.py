"""What a person does by hand, done for them: `mx-exporter probe` and `mx-exporter trace`."""
