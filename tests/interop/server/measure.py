"""Runs a command within limits: measure.py MIB SECONDS COMMAND...

Exits with the command's code, or with 99 when its peak memory or its time was over the limit. The figures go to
standard error, after the command's own.
"""

import resource
import subprocess
import sys
import time

mib, seconds, *command = sys.argv[1:]
began = time.monotonic()
try:
    code = subprocess.run(command, timeout=float(seconds) * 3).returncode
except subprocess.TimeoutExpired:
    code = 99
took = time.monotonic() - began
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"measured: {peak:.0f} MiB, {took:.2f} s", file=sys.stderr)
sys.exit(99 if peak > float(mib) or took > float(seconds) else code)
