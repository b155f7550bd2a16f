"""Solorun over HTTP: handlers, the routes to them, and the ASGI application around them.

`route` declares an operation above its handler, `routes` lists all operations, and `openapi` describes them. The
handlers are in the module of their subject: `runs`, `logs`, `streams`, `artifacts` (with `archive`), `projects`,
`schedules`, `hooks`, `resources`, `retention`, `notifications`, `workers`, `health` (with `metrics`), `backup` and
`login`. They share a `state`, and read `path_parameters`, `start_headers` and `cursors`. Around them, `application`
authorizes and routes each request, `rights` checks what its endpoint requires, `family_limit` bounds the projects of a
pattern, and `problems` are the responses for errors.
"""

from solorun.api.application import Application

__all__ = ["Application"]
