"""Slows the steps down, so that you can watch them: by itself, each takes a fraction of a second."""


def pause_seconds(pace: float, items: int) -> float:
    """How long to pause after each item, so that a step takes `pace` seconds."""
    return float(pace) / max(1, items)
