#!/usr/bin/env python3
"""Kills the writers of an audit log with SIGKILL while they are at work, over and over, and checks what is left.

    tests/crashes.py [ROUNDS] [--seed N] [--keep]

ROUNDS is 10 unless told, as `.ci/run` asks; by hand it is 500. ATTEST names the program (target/release/attest
unless told). Linux, Python 3.9. Rounds take turns:

    direct   several processes record, each by itself
    serve    the same through `attest audit serve`, which is killed; now and then they outlive it
    erase    while others record, records are erased
    retain   while others record, days that passed expire: the clock is moved by libfaketime, where it is installed
    anchor   while others record, a witness (a second log's `serve`) is asked to cosign; it is killed, too
    full     the same on a file system of 20 MB that fills up, where this user may mount one

After each round, before anybody repairs anything: the log is as `verify` wants it; the next command that writes
succeeds; no record that was acknowledged is lost, or there twice, or readable after its erasure was acknowledged; every
checkpoint that was ever seen of the log fits it, and no two of one size differ. At the end what these checks are for is
done to a log, and each must find it.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
ATTEST = os.environ.get("ATTEST", str(TOP / "target/release/attest"))
KINDS = ["direct", "serve", "erase", "direct", "retain", "serve", "anchor", "full"]
# Rounds of one log; then the next begins.
LIFE = 40
CLOCK = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


class Wrong(Exception):
    """Something that must never be."""


class Log:
    """A log, and all that is known of it from outside."""

    def __init__(self, folder, name, beside=None):
        self.folder, self.name, self.days = folder, name, 0
        # What is kept of it outside.
        self.beside = beside or folder.parent
        # Numbers by source id; of those that expired only the number is checked.
        self.acknowledged, self.expired, self.erased = {}, set(), set()
        # Numbers of records whose erasure was begun: each may be there or not.
        self.asked = set()
        # Ids of batches that were cut off, to be handed in again.
        self.cut = []
        # Texts of checkpoints by size, each with the file that it was kept in.
        self.seen = {}
        self.kept = self.beside / f"{name}.seen"
        self.kept.mkdir()
        self.done("init", "--origin", f"audit.example/{name}", "--retain", "executions=1", "--retain", "sessions=1")

    def environment(self):
        out = dict(os.environ, HOME=str(self.beside))
        out.pop("ATTEST_AUDIT_LOG", None)
        if self.days:
            out.update(LD_PRELOAD=str(CLOCK), FAKETIME=f"+{self.days}d")
        return out

    def start(self, *args, **more):
        command = [ATTEST, "audit", "--log", str(self.folder), *args]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, env=self.environment(), text=True, **more)

    def run(self, *args):
        child = self.start(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = child.communicate(timeout=300)
        return child.returncode, out, err

    def done(self, *args):
        code, out, err = self.run(*args)
        if code != 0:
            raise Wrong(f"`attest audit {' '.join(args)}` ended with {code}: {out[-2000:]}{err[-2000:]}")
        return out

    def look(self):
        """Keeps the checkpoint that is published now; it is replaced by rename, so it is whole or not there."""
        try:
            note = (self.folder / "tlog/checkpoint").read_text()
        except FileNotFoundError:
            return
        text = note.split("\n\n")[0]
        size = int(text.splitlines()[1])
        known = self.seen.get(size)
        if known is None:
            file = self.kept / f"{size}.checkpoint"
            file.write_text(note)
            self.seen[size] = (text, file)
        elif known[0] != text:
            raise Wrong(f"two checkpoints of {size} records: {known[0]!r} and {text!r}")

    def verify(self, checkpoints=()):
        args = [arg for file in checkpoints for arg in ("--checkpoint", str(file))]
        return json.loads(self.done("verify", "--format", "json", "--timeout", "60s", *args))


class Load:
    """What goes on in one round, until it is killed."""

    def __init__(self, log, number, kind, chance):
        self.log, self.number, self.kind, self.chance = log, number, kind, chance
        self.children, self.lock, self.over = set(), threading.Lock(), threading.Event()
        self.problems, self.threads, self.batch = [], [], 0

    def child(self, *args):
        """One command: its output where it ended well. What is killed has acknowledged nothing."""
        with self.lock:
            if self.over.is_set():
                return None
            child = self.log.start(*args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.children.add(child)
        out, _ = child.communicate()
        with self.lock:
            self.children.discard(child)
        return out if child.returncode == 0 else None

    def writer(self, at):
        lines = self.log.beside / f"lines.{at}"
        chance = random.Random(self.chance.random())
        while not self.over.is_set():
            if self.kind in ("erase", "retain"):
                # These wait for the lock of the log, which others who want it all the time would keep from them.
                time.sleep(chance.uniform(0.1, 0.6))
            with self.lock:
                self.batch += 1
                again = self.log.cut and chance.random() < 0.5
                count = chance.choice([1, 1, 1, 7, 40, 300])
                ids = [f"{self.number}-{self.batch}-{n}" for n in range(count)]
                ids = self.log.cut.pop() if again else ids
            record = {"kind": "action", "action_type": "file_modify", "source": "crashes"}
            lines.write_text("".join(json.dumps({**record, "target": f"f{i}", "source_id": i}) + "\n" for i in ids))
            out = self.child("record", "--file", str(lines), "--format", "json", "--timeout", "20s")
            with self.lock:
                if out is None:
                    self.log.cut.append(ids)
                    continue
                said = json.loads(out)
                if len(said["records"]) != len(ids) or said["differs"] or said["known"] and not again:
                    self.problems.append(f"{len(ids)} records were handed in: {out}")
                self.log.acknowledged.update(zip(ids, said["records"]))

    def eraser(self):
        receipt = self.log.beside / "receipt"
        while not self.over.is_set():
            with self.lock:
                gone = self.log.erased
                left = [n for i, n in self.log.acknowledged.items() if n not in gone and i not in self.log.expired]
                number = self.chance.choice(left) if left else None
                self.log.asked.add(number)
            if number is None:
                time.sleep(0.02)
                continue
            what = ["--record", str(number), "--basis", "crashes", "--receipt", str(receipt)]
            if self.child("erase", *what) is not None:
                self.log.erased.add(number)

    def again(self, *args):
        while not self.over.is_set():
            self.child(*args)
            time.sleep(0.01)

    def watcher(self):
        while not self.over.is_set():
            try:
                self.log.look()
            except Wrong as e:
                self.problems.append(str(e))
            time.sleep(0.002)

    def spawn(self, what, *args):
        thread = threading.Thread(target=what, args=args)
        self.threads.append(thread)
        thread.start()

    def kill(self, child):
        try:
            child.send_signal(signal.SIGKILL)
        except ProcessLookupError:
            pass

    def end(self):
        """Kills all that run now, at one moment."""
        with self.lock:
            self.over.set()
            for child in self.children:
                self.kill(child)
        for thread in self.threads:
            thread.join()


def serve(log, *args):
    """A server that takes records, once it says so; none where it ended before."""
    err = open(log.beside / f"{log.name}.serve", "w+")
    server = log.start("serve", *args, stdout=err, stderr=err)
    for _ in range(1000):
        text = pathlib.Path(err.name).read_text()
        if "handed in at" in text and ("--listen" not in args or "listening on" in text):
            return server, text
        if server.poll() is not None:
            break
        time.sleep(0.01)
    raise Wrong(f"`attest audit serve` did not start: {text}")


def watch(log, witness):
    """A witness of the log, and its policy beside it."""
    server, said = serve(witness, "--listen", "127.0.0.1:0", "--witness", str(log.beside / "watched.policy"))
    url = next(line.rsplit(" ", 1)[1] for line in said.splitlines() if "listening on" in line)
    key = next(line.rsplit(" ", 1)[1] for line in said.splitlines() if "witness" in line and "+" in line)
    own = json.loads(log.done("keys", "--format", "json"))["log"]
    (log.beside / "policy").write_text(f"log {own}\nwitness w {key} {url}\nquorum w\n")
    return server


def witnessed(log, witness):
    """That the witness still cosigns the log, and what it saw is proved: it would refuse another history."""
    server = watch(log, witness)
    try:
        log.done("anchor", "--policy", str(log.beside / "policy"))
        claims = json.loads(log.done("verify", "--format", "json", "--policy", str(log.beside / "policy")))["claims"]
    finally:
        server.kill()
        server.wait()
    if next(claim["standing"] for claim in claims if claim["claim"] == "one history") != "proved":
        raise Wrong(f"the witness cosigned, and this is what is proved: {claims}")


def load(log, number, kind, chance, witness):
    """One round of load, and its end by SIGKILL."""
    load, servers = Load(log, number, kind, chance), []
    if kind == "serve":
        servers.append(serve(log, *(["--sync"] if chance.random() < 0.3 else []))[0])
    if kind == "anchor":
        servers.append(watch(log, witness))
        load.spawn(load.again, "anchor", "--policy", str(log.beside / "policy"), "--timeout", "5s")
    load.spawn(load.watcher)
    for at in range(chance.choice([1, 3, 5])):
        load.spawn(load.writer, at)
    if kind == "erase":
        load.spawn(load.eraser)
    if kind == "retain":
        load.spawn(load.again, "retain")
    time.sleep(chance.uniform(0.03, 2.5 if kind in ("erase", "retain") else 1.2))
    for server in servers:
        load.kill(server)
    if servers and chance.random() < 0.3:
        time.sleep(chance.uniform(0.0, 0.5))
    load.end()
    for server in servers:
        server.wait()
    if load.problems:
        raise Wrong("; ".join(load.problems))


def check(log, number, chance, kind, whole=False):
    """What must be so after a crash."""
    log.look()
    before = log.verify()
    log.done("record", "heartbeat")
    log.look()
    # All of this round, and some of those before.
    files = [file for _, file in log.seen.values()]
    recent = files[-20:] + chance.sample(files[:-20], min(10, len(files[:-20])))
    after = log.verify(files[-200:] if whole else recent)
    for report in (before, after):
        if not report["ok"] or report["unexplained"]:
            raise Wrong(f"verify: {report}")
    if after["size"] != after["published"] or "unfinished" in after:
        raise Wrong(f"the next writer left something: {after}")
    if log.seen and max(log.seen) > after["size"]:
        raise Wrong(f"{max(log.seen)} records were signed, {after['size']} are there")
    if max(log.acknowledged.values(), default=0) >= after["size"]:
        raise Wrong(f"record {max(log.acknowledged.values())} was acknowledged, {after['size']} are there")
    present(log, "" if whole else f"{number}-")
    for record in chance.sample(sorted(log.erased), min(2, len(log.erased))):
        if "HOLE" not in log.done("show", str(record)):
            raise Wrong(f"the erasure of record {record} was acknowledged, and it can be read")
    return after


def present(log, prefix):
    """That what was acknowledged under ids that begin so is there, once, under its number."""
    found, rows, at = {}, None, -1
    while rows is None or len(rows) == 10000:
        where = f"number > {at} and source_id like '{prefix}%'"
        question = f"select number, source_id from record where {where} order by number"
        code, out, err = log.run("query", "--format", "json", question)
        if code not in (0, 1):
            raise Wrong(f"the index cannot be asked: {code} {out[-500:]}{err[-500:]}")
        rows = json.loads(out)["rows"]
        for record, source in rows:
            if source in found:
                raise Wrong(f"{source} is there twice: {found[source]} and {record}")
            found[source], at = record, record
    for source, record in log.acknowledged.items():
        gone = source in log.expired or record in log.asked
        if source.startswith(prefix) and not gone and found.get(source) != record:
            raise Wrong(f"{source} was acknowledged as record {record} and is {found.get(source)}")


def day_passes(log):
    """Two days later: what was recorded until now may expire."""
    log.expired.update(log.acknowledged)
    log.cut.clear()
    log.days += 2


class Full:
    """A small file system that is nearly full."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=20m,mode=700", "tmpfs", str(folder)]
        self.there = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self, left):
        free = os.statvfs(self.folder)
        (self.folder / "filler").write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - left)))

    def free(self):
        (self.folder / "filler").unlink(missing_ok=True)

    def end(self):
        if self.there:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)


def on_a_full_disk(log, number, chance, full):
    """Writers until nothing fits; the log is checked on the full disk, and goes on where there is room again."""
    full.fill(chance.choice([0, 4096, 50_000, 400_000]))
    load(log, number, "direct", chance, None)
    log.look()
    if not log.verify()["ok"]:
        raise Wrong("on a full disk the log is not whole")
    full.free()
    return check(log, number, chance, "full")


def planted(folder):
    """What the checks are for, each done to a log: a check that finds nothing checks nothing."""
    log = Log(folder / "planted", "planted")
    chance = random.Random(1)
    while not log.acknowledged:
        load(log, 1, "direct", chance, None)
        check(log, 1, chance, "direct")
    known = (dict(log.acknowledged), dict(log.seen))
    copy, number = folder / "planted.copy", max(log.acknowledged.values())
    shutil.copytree(log.folder, copy)

    def back():
        shutil.rmtree(log.folder)
        shutil.copytree(copy, log.folder)

    def more(*record):
        log.done("record", *record)
        log.look()

    def forked():
        more("heartbeat")
        back()
        more("decision", "what=another", "reason=history")

    def cut():
        log.done("record", "heartbeat")
        log.done("record", "heartbeat")
        more("heartbeat")
        back()

    def rewritten():
        more("heartbeat")
        back()
        log.done("record", "decision", "what=another", "reason=history")
        log.done("record", "heartbeat")

    def lost():
        log.acknowledged["1-0-0"] = number

    for what, do, words in [
        ("a record that was acknowledged and is not there", lost, "was acknowledged"),
        ("an erasure that was not carried out", lambda: log.erased.add(number), "it can be read"),
        ("two checkpoints of one size", forked, "two checkpoints of"),
        ("a log that was cut", cut, "records were there"),
        ("a log that was written anew", rewritten, "another history"),
    ]:
        try:
            do()
            check(log, 1, chance, "direct", True)
        except Wrong as e:
            if words not in str(e):
                raise
            print(f"found: {what}")
        else:
            raise Wrong(f"the checks do not find {what}")
        back()
        log.acknowledged, log.seen, log.erased = dict(known[0]), dict(known[1]), set()
    check(log, 1, chance, "direct", True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rounds", nargs="?", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    args = parser.parse_args()
    chance = random.Random(args.seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="attest-crashes."))
    full = Full(folder / "full")
    print(f"seed {args.seed}, {ATTEST}")
    if CLOCK is None:
        print("skipped: no libfaketime, so no day passes and nothing expires")
    if not full.there:
        print("skipped: no small file system may be mounted, so no disk is full")
    counts, began, log, failed = {}, time.monotonic(), None, False
    totals = {"acknowledged": 0, "erased": 0, "expired": 0, "checkpoints": 0, "records": 0}
    witness = Log(folder / "witness", "witness")
    small = Log(full.folder / "log", "small", folder) if full.there else None

    def close(log):
        present(log, "")
        found = log.verify([file for _, file in list(log.seen.values())[-200:]])
        totals["acknowledged"] += len(log.acknowledged)
        totals["erased"] += found["redacted"]
        totals["expired"] += found["expired"]
        totals["checkpoints"] += len(log.seen)
        totals["records"] += found["size"]

    try:
        for number in range(1, args.rounds + 1):
            if log is None or number % LIFE == 0:
                if log is not None:
                    close(log)
                log = Log(folder / f"log{number}", f"log{number}")
                key = json.loads(log.done("keys", "--format", "json"))["log"]
                (folder / "watched.policy").write_text(f"log {key}\nquorum none\n")
            kind = KINDS[number % len(KINDS)]
            if kind == "full" and small is None:
                kind = "direct"
            if kind == "retain" and CLOCK is not None:
                day_passes(log)
            witness.days = log.days
            if kind == "full":
                on_a_full_disk(small, number, chance, full)
            else:
                load(log, number, kind, chance, witness)
                check(log, number, chance, kind)
                if kind == "anchor":
                    witnessed(log, witness)
            counts[kind] = counts.get(kind, 0) + 1
            if number % 10 == 0:
                print(f"round {number}: ok after {time.monotonic() - began:.0f} s", flush=True)
        for one in filter(None, [log, small]):
            close(one)
        planted(folder)
    except Wrong as e:
        failed = True
        print(f"WRONG in round {number} ({kind}): {e}\nthe log is in {folder}", flush=True)
    if not (failed or args.keep):
        full.end()
        shutil.rmtree(folder)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    print(f"{sum(counts.values())} rounds ({kinds}): " + ", ".join(f"{n} {what}" for what, n in totals.items()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
