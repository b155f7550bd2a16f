"""Bounds what all clients together leave unread."""

from asyncio import Transport


class StalledReaders:
    """The connections whose clients do not keep up. Above the limit, those that have stalled longest are dropped."""

    def __init__(self, max_unread_bytes: int) -> None:
        self._max_unread_bytes = max_unread_bytes
        self._unread: dict[Transport, int] = {}
        self._total_bytes = 0

    def add(self, connection: Transport, unread_bytes: int) -> None:
        self.discard(connection)
        self._unread[connection] = unread_bytes
        self._total_bytes += unread_bytes
        while self._total_bytes > self._max_unread_bytes:
            oldest = next(iter(self._unread))
            self.discard(oldest)
            oldest.abort()

    def discard(self, connection: Transport) -> None:
        self._total_bytes -= self._unread.pop(connection, 0)
