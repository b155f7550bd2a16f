"""A minimal service for tests that kill it: `python host.py DATA_DIR DIRECTORY COMMAND`."""

import asyncio
import os
import sys
from pathlib import Path

from solorun.project import CommandStep, Project
from solorun.step import StepContext
from solorun.steps import StepDispatcher, become_subreaper
from tests.fakes.step_output import RecordedOutput


async def main(data_dir: Path, directory: Path, command: str) -> None:
    step = CommandStep("extract", command)
    context = StepContext(
        project="handbook",
        run_id=7,
        scope="full",
        name="extract",
        params={},
        workspace=directory,
        artifacts=data_dir / "artifacts" / "7",
        output=RecordedOutput(),
    )
    project = Project("handbook", "Handbook", directory, (step,))
    become_subreaper()
    execution = await StepDispatcher(data_dir, os.environ).start(project, step, context)
    await execution.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
