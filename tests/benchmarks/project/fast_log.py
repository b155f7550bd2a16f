"""5,000 lines a second, in a hundred bursts, until it is stopped."""

import time

BURST_LINES = 50
BURST_SECONDS = 0.01

said, due = 0, time.monotonic()
while True:
    for _ in range(BURST_LINES):
        said += 1
        print("line", said, "of a fast log, as long as lines of logs usually are")
    print(end="", flush=True)
    due += BURST_SECONDS
    time.sleep(max(0, due - time.monotonic()))
