"""Prints 5,000 lines a second, in a hundred bursts, until it is stopped."""

import time

BURST_LINES = 50
BURST_SECONDS = 0.01

printed, due = 0, time.monotonic()
while True:
    for _ in range(BURST_LINES):
        printed += 1
        print("line", printed, "of a fast log, as long as lines of logs usually are")
    print(end="", flush=True)
    due += BURST_SECONDS
    time.sleep(max(0, due - time.monotonic()))
