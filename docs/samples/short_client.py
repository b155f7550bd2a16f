import asyncio

from solorun import RunClient


async def main() -> None:
    async with RunClient("http://127.0.0.1:8700") as client:
        run = await client.start_run("handbook")
        async for record in client.follow(run.id):
            print(record.message)
        run = await client.wait_for_run(run.id)
        print(run.status)


asyncio.run(main())
