"""Repeat the latest run of a project from its second step, with another parameter."""

import asyncio
import sys

from solorun import RunClient


async def main(url: str) -> None:
    async with RunClient(url) as client:
        run = await client.get_current_run("handbook")
        preview = await client.preview_rerun(run.id, from_step="publish")
        for step in preview.skipped:
            print(f"{step.name}: {step.status} in run {step.run_id}")
        rerun = await client.rerun(run.id, from_step="publish", params={"edition": "autumn"})
        rerun = await client.wait_for_run(rerun.id)
        print(f"run {rerun.id}, a rerun of run {rerun.rerun_of}, is {rerun.status}")


asyncio.run(main(sys.argv[1]))
