"""The HTTP toolkit: routing, validation, responses, event streams. It knows nothing about runs."""
