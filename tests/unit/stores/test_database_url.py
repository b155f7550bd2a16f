"""What is said about a database URL that the driver refuses: which parameter is unknown, and never a password."""

import pytest

from solorun.errors import DatabaseUnusable
from solorun.stores.postgres.connect import complete


def refusal(url: str) -> str:
    with pytest.raises(DatabaseUnusable) as refused:
        complete(url)
    return str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example.org/solorun?hast=1",
        "postgresql://solorun:se?cr=et@db.example.org:5432/solorun?sslmode=require&hast=1",
        "postgresql://solorun@one,two:5433/solorun?hast=",
        "postgresql://solorun@[::1]:5432/solorun?hast=a&hist=b",
    ],
)
def test_an_unknown_parameter_is_named_with_the_valid_ones(url: str) -> None:
    message = refusal(url)

    assert message.startswith('The database URL has the parameter "hast", which PostgreSQL does not know. It knows: ')
    assert ", sslmode" in message
    assert "se?cr" not in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://solorun:p%zz@db.example.org/solorun",
        "postgresql://solorun:se?cr=et",
        "postgresql://db.example.org/solorun?cr=et@db.example.org",
        "postgresql://db.example.org/solorun?password=se&cr=et",
        "postgresql://db.example.org/solorun?oauth_client_secret=se&cr=et",
        "postgresql://db.example.org/solorun?cr/se=et",
    ],
)
def test_what_may_be_a_part_of_the_password_is_not_named(url: str) -> None:
    assert refusal(url) == "The database URL is invalid. Is the password percent-encoded?"
