"""The limit of open files is raised as far as the system lets it; commands keep the one that was given."""

import resource

import pytest

from solorun.steps import shim
from solorun.steps.rlimits import raise_limit

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "kernel_takes", "becomes"),
    [
        (1024, 4096, 10**9, 4096),
        (1024, 10**9, 10**9, 1_048_576),
        (1024, UNLIMITED, 10**9, 1_048_576),
        (256, UNLIMITED, 10_240, 10_240),  # macOS
        (4096, 4096, 10**9, 4096),
        (UNLIMITED, UNLIMITED, 10**9, UNLIMITED),
        (1024, 4096, 0, 1024),
    ],
)
def test_the_soft_limit_becomes_what_the_hard_one_and_the_kernel_allow(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, kernel_takes: int, becomes: int
) -> None:
    limits = [(soft, hard)]

    def set_limit(_: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > kernel_takes:
            raise ValueError("current limit exceeds maximum limit")
        limits.append(wanted)

    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", set_limit)

    raise_limit()

    assert limits[-1] == (becomes, hard)


@pytest.mark.parametrize(
    ("raised", "hard", "given", "becomes"),
    [
        (4096, 4096, 1024, 1024),
        (1_048_576, UNLIMITED, 256, 256),
        (4096, 4096, 4096, 4096),
        (512, 512, 1024, 512),
    ],
)
def test_a_command_gets_the_limit_that_the_service_was_given(
    monkeypatch: pytest.MonkeyPatch, raised: int, hard: int, given: int, becomes: int
) -> None:
    limits = [(raised, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))

    shim._limit_open_files(given)

    assert limits[-1] == (becomes, hard)


def test_an_unlimited_one_is_left_alone_since_a_kernel_may_not_take_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int, wanted: tuple[int, int]) -> None:
        raise ValueError(f"invalid argument: {wanted}")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (UNLIMITED, UNLIMITED))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    shim._limit_open_files(UNLIMITED)
