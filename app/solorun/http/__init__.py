"""The HTTP toolkit: routing, validation, responses, event streams, problems, OpenAPI. It knows nothing about runs."""
