"""Solorun over HTTP: the route table, its handlers, and the ASGI application around them."""

from solorun.api.application import Application

__all__ = ["Application"]
