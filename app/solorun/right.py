"""What a request may require of its caller."""

from enum import StrEnum


class Right(StrEnum):
    VIEW = "view"
    START = "start"
    CANCEL = "cancel"
    APPROVE = "approve"
    ADMIN = "admin"
