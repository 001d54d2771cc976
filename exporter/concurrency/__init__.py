"""Small tools for the event loop. They know nothing of mail."""
