"""Starts the process of a run: the `dagster` command, with few garbage collections.

Collecting again at exit would take 0.5 s of CPU (measured with Python 3.13 on two cores).
"""

import atexit
import gc
import sys

from dagster_code_server.run_lines import format_lines_of_this_process

format_lines_of_this_process()

from dagster_deployment.collecting import RUN, collect_seldom  # noqa: E402 - this process may start itself again before

collect_seldom(RUN)
atexit.register(gc.freeze)

from dagster_code_server.environment import add_to_this_process  # noqa: E402 - after the threshold

add_to_this_process()

from dagster._cli import main  # noqa: E402 - its imports are the ones that the threshold is for

# A child of the multiprocess executor also imports this file.
if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    main()  # type: ignore[no-untyped-call]
