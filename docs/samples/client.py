"""Start a run, follow it, and print how it ended."""

import asyncio
import sys

from solorun import RunClient
from solorun.errors import RunActive


async def main(url: str) -> None:
    async with RunClient(url) as client:
        try:
            run = await client.start_run("handbook", params={"edition": "spring"})
        except RunActive as conflict:
            run = conflict.active_run  # the project is busy: follow the active run
        async for record in client.follow(run.id):
            print(record.seq, record.level, record.message)
        run = await client.wait_for_run(run.id)
        print(f"run {run.id} is {run.status}")


asyncio.run(main(sys.argv[1]))
