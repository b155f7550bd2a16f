"""Ctrl-C reaches a command at any moment."""

import subprocess
import sys

PROGRAM = """
import asyncio, os, signal, threading
from solorun.cli.interrupts import run_until_interrupted

async def wait_forever():
    begun.set()
    await asyncio.Event().wait()

def interrupt():
    begun.wait()
    os.kill(os.getpid(), signal.SIGINT)

for _ in range(300):
    begun = threading.Event()
    threading.Thread(target=interrupt).start()
    try:
        run_until_interrupted(wait_forever())
    except KeyboardInterrupt:
        continue
    raise AssertionError
"""
IGNORING = """
import asyncio, os, signal
from solorun.cli.interrupts import run_until_interrupted

async def go_on():
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0.01)
    print("still here")

signal.signal(signal.SIGINT, signal.SIG_IGN)
run_until_interrupted(go_on())
"""


def test_an_interrupt_wakes_a_loop_that_is_about_to_wait() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)


def test_an_ignored_interrupt_stays_ignored() -> None:
    ended = subprocess.run([sys.executable, "-c", IGNORING], check=True, timeout=60, capture_output=True, text=True)

    assert ended.stdout == "still here\n"
