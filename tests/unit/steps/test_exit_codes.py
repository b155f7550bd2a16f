"""The words for a command's exit code."""

import pytest

from solorun.outcome import StepResult
from solorun.steps.exit_codes import count_memory_kills, result_of


@pytest.mark.parametrize(
    ("exit_code", "message"),
    [
        (0, None),
        (3, "exit code 3"),
        (126, "exit code 126 (not executable)"),
        (127, "exit code 127 (command not found)"),
        (137, "exit code 137 (killed, often because memory ran out)"),
        (-9, "killed by SIGKILL"),
        (-11, "killed by SIGSEGV"),
        (-40, "killed by signal 40"),
    ],
)
def test_an_exit_code_has_a_meaning(exit_code: int, message: str | None) -> None:
    assert result_of(exit_code) == StepResult(exit_code, message)


@pytest.mark.parametrize(("exit_code", "is_named"), [(-9, True), (137, True), (1, False), (-15, False), (0, False)])
def test_a_kill_names_the_kernel_that_ran_out_of_memory(exit_code: int, is_named: bool) -> None:
    message = result_of(exit_code, kernel_ran_out_of_memory=True).error_message or ""

    assert ("the kernel ran out of memory meanwhile" in message) is is_named


def test_the_kernel_counts_its_kills() -> None:
    assert count_memory_kills() >= 0
