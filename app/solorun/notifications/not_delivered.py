"""The reason why an attempt to deliver has failed."""


class NotDelivered(Exception):
    """The message says why, and contains no secret. `retry_after_seconds` is what the receiver requested."""

    def __init__(self, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
