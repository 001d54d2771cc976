"""Evidence in, failure class out."""
