"""`solorun demo`."""


def demo() -> None:
    """Demo."""
