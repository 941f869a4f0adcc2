"""The hook of an agent beside an empty process, in turns: hook.py ATTEST RUNS BYTES LOADED

Each run is handed one event of BYTES on standard input, a new call of one session each time: first with no server (the spool takes
it), then with one (its socket does); with LOADED set to 1, four others hand in records there without a pause meanwhile. Prints per
command the median and p99 wall time, and what p99 is above the empty process of the same run.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

attest, runs, size, loaded = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1"
work = tempfile.mkdtemp()
home = os.environ | {"HOME": work}
home.pop("XDG_STATE_HOME", None)
home.pop("ATTEST_AUDIT_LOG", None)
log = os.path.join(work, ".local/state/attest/audit")


calls = itertools.count()


def event():
    return json.dumps({
        "session_id": "253fd5ef-1111-4000-8000-000000000001", "transcript_path": f"{work}/t.jsonl", "cwd": "/w/app",
        "permission_mode": "default", "hook_event_name": "PostToolUse", "tool_name": "Bash",
        "tool_use_id": f"toolu_{next(calls)}", "tool_input": {"command": "cargo test"},
        "tool_response": {"stdout": "x" * max(0, size - 400), "stderr": "", "interrupted": False},
    }).encode()


def timed(command, given):
    read, write = os.pipe()
    # All of it is there before the process is: what is timed is the process.
    feeder = threading.Thread(target=lambda: (os.write(write, given), os.close(write)))
    begun = time.perf_counter()
    pid = os.posix_spawn(command[0], command, home, file_actions=[(os.POSIX_SPAWN_DUP2, read, 0), (os.POSIX_SPAWN_CLOSE, write)])
    os.close(read)
    feeder.start()
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - begun
    feeder.join()
    if status:
        sys.exit(f"exit code {os.waitstatus_to_exitcode(status)}: {command}")
    return took


def rounds(name):
    hook, empty = [], []
    # Who reads nothing of a pipe stops no writer of one that is smaller than it.
    for turn in range(runs + 20):
        a = timed(["/bin/cat", "/dev/null"], b"")
        b = timed([attest, "audit", "hook", "claude-code"], event())
        if turn >= 20:
            empty.append(a)
            hook.append(b)
    at = lambda all, part: sorted(all)[min(len(all) - 1, int(len(all) * part))] * 1e3
    print(f"{name:<34} empty: {at(empty, .5):5.2f} ms, p99 {at(empty, .99):5.2f}   hook: {at(hook, .5):5.2f} ms, p99 {at(hook, .99):5.2f}"
          f"   above: median {at(hook, .5) - at(empty, .5):5.2f} ms, p99 {at(hook, .99) - at(empty, .99):5.2f} ms")


subprocess.run([attest, "audit", "init", "--origin", "bench.example/log", "--quiet"], env=home, check=True, stdout=subprocess.DEVNULL)
rounds(f"{size} bytes, spool")
server = subprocess.Popen([attest, "audit", "serve", "--quiet"], env=home)
while not os.path.exists(os.path.join(log, "socket")):
    time.sleep(0.01)
ended = threading.Event()


def load():
    line = json.dumps({"kind": "action", "action_type": "file_read", "target": "src/lib.rs"}) + "\n"
    while not ended.is_set():
        subprocess.run([attest, "audit", "record", "--file", "-", "--quiet"], env=home, input=line * 200, text=True, stdout=subprocess.DEVNULL)


others = [threading.Thread(target=load) for _ in range(4 if loaded else 0)]
for other in others:
    other.start()
rounds(f"{size} bytes, server" + (", loaded" if loaded else ""))
ended.set()
for other in others:
    other.join()
server.send_signal(signal.SIGTERM)
server.wait()
asked = [attest, "audit", "query", "SELECT count(*), (SELECT sum(lost) FROM record) FROM record WHERE source = 'hook claude-code'", "--format", "json"]
said = json.loads(subprocess.run(asked, env=home, capture_output=True, text=True).stdout)
print(f"recorded of {2 * (runs + 20)} events: {said['rows'][0][0]}")
