"""Whole processes in turns: turns.py RUNS NAME COMMAND... [-- NAME COMMAND...]...

Each command runs RUNS times, one of each after another, so that a busy machine hurts all alike. Prints per command the
median and the least wall time, the median processor time, and the peak memory as GNU time (/usr/bin/time) says it, in a run
of its own: a process's peak counts the one that started it, and this one is large. A command that fails ends it.
"""

import os
import statistics
import subprocess
import sys
import time


def run(command):
    """Wall seconds, processor seconds."""
    begun = time.perf_counter()
    pid = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)],
    )
    _, status, usage = os.wait4(pid, 0)
    took = time.perf_counter() - begun
    if status != 0:
        sys.exit(f"exit code {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    return took, usage.ru_utime + usage.ru_stime


def peak(command):
    """MiB, or `-` without GNU time."""
    try:
        said = subprocess.run(["/usr/bin/time", "-f", "%M", *command], capture_output=True, text=True).stderr
    except FileNotFoundError:
        return "-"
    return f"{int(said.split()[-1]) / 1024:.0f}"


def main():
    runs, rest = int(sys.argv[1]), sys.argv[2:]
    commands = []
    while rest:
        end = rest.index("--") if "--" in rest else len(rest)
        commands.append((rest[0], rest[1:end], []))
        rest = rest[end + 1 :]
    # The first run of each fills the page cache.
    for turn in range(runs + 1):
        for _, command, figures in commands:
            figure = run(command)
            if turn:
                figures.append(figure)
    base = statistics.median(took for took, _ in commands[0][2])
    print(f"{'':<44} {'median':>9} {'least':>9} {'processor':>9} {'peak':>8}   of the first")
    for name, command, figures in commands:
        took, processor = zip(*figures)
        middle = statistics.median(took)
        print(
            f"{name:<44} {middle * 1e3:>6.1f} ms {min(took) * 1e3:>6.1f} ms {statistics.median(processor) * 1e3:>6.1f} ms "
            f"{peak(command):>4} MiB   {middle / base:>6.1f}"
        )


main()
