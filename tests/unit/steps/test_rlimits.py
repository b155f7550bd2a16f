"""The limit of open files is raised as far as possible; commands keep the inherited one."""

import resource

import pytest

from solorun.steps.rlimits import raise_limit
from solorun.steps.shim import program as shim

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "kernel_limit", "expected"),
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
def test_the_soft_limit_is_raised_as_far_as_the_hard_limit_and_the_kernel_allow(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, kernel_limit: int, expected: int
) -> None:
    limits = [(soft, hard)]

    def set_limit(_: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > kernel_limit:
            raise ValueError("current limit exceeds maximum limit")
        limits.append(wanted)

    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", set_limit)

    raise_limit()

    assert limits[-1] == (expected, hard)


@pytest.mark.parametrize(
    ("raised", "hard", "inherited", "expected"),
    [
        (4096, 4096, 1024, 1024),
        (1_048_576, UNLIMITED, 256, 256),
        (4096, 4096, 4096, 4096),
        (512, 512, 1024, 512),
    ],
)
def test_a_command_gets_the_limit_that_the_service_inherited(
    monkeypatch: pytest.MonkeyPatch, raised: int, hard: int, inherited: int, expected: int
) -> None:
    limits = [(raised, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))

    shim.limit_open_files(inherited)

    assert limits[-1] == (expected, hard)


def test_an_unlimited_limit_is_left_alone_because_the_kernel_may_reject_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int, wanted: tuple[int, int]) -> None:
        raise ValueError(f"invalid argument: {wanted}")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (UNLIMITED, UNLIMITED))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    shim.limit_open_files(UNLIMITED)
