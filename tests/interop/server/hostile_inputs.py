"""Inputs within every limit that cost a reader much more than they have: what each takes, measured from outside.

hostile_inputs.py ATTEST WORK: makes each input in a folder of its own below WORK, runs attest on it, and prints peak
memory and time. Ends with 1 when one takes more than 96 MiB beyond four times the evidence that is kept, or longer than
10 s or its --timeout and half a second; or when one that must not be allowed is.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

MIB = 1 << 20
ATTEST, WORK = sys.argv[1], sys.argv[2]
ONLY = sys.argv[3:]
KEY = os.path.join(WORK, "key")
TYPE = "https://hostile.example/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
APP = b"an app"
CASES = []


def case(name, evidence=0, exits=(1, 2, 3), patience=10.0, most=None):
    """Registers a maker: it fills the folder that it is given and returns arguments. `evidence` are MiB that may be kept;
    `most` is another limit (MiB) where that one is not reached yet."""

    def add(make):
        CASES.append((name, most or 96 + 4 * evidence, exits, patience, make))
        return make

    return add


def write(folder, name, content):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def run(*arguments, cwd=None):
    subprocess.run([ATTEST, *arguments], cwd=cwd, check=True, capture_output=True, env=environment())


def environment():
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR")}
    return {**keep, "ATTEST_PASSWORD": "password", "XDG_CONFIG_HOME": WORK, "HOME": WORK, "GIT_CONFIG_NOSYSTEM": "1"}


def statement(predicate, kind=TYPE, subjects=None):
    digest = hashlib.sha256(APP).hexdigest()
    subjects = subjects or '[{"name":"app","digest":{"sha256":"%s"}}]' % digest
    text = '{"_type":"https://in-toto.io/Statement/v1","subject":%s,"predicateType":"%s","predicate":%s}'
    return (text % (subjects, kind, predicate)).encode()


def bundle(payload, material='"publicKey":{"hint":"x"}', more=""):
    envelope = '{"payload":"%s","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}'
    text = '{"mediaType":"%s","verificationMaterial":{%s},"dsseEnvelope":%s%s}'
    return (text % (BUNDLE, material, envelope % base64.b64encode(payload).decode(), more)).encode()


def objects(size):
    """A list of the smallest objects, of about so many bytes."""
    return "[" + ",".join(['{"":{}}'] * (size // 8)) + "]"


def verify(folder, *bundles, timeout="5s"):
    write(folder, "app", APP)
    named = [a for b in bundles for a in ("--bundle", b)]
    return ["verify", os.path.join(folder, "app"), "--key", KEY + ".pub", "--predicate-type", TYPE, "--timeout", timeout, *named]


# Bundles and statements that anybody may attach.


def six(folder):
    return [write(folder, f"{i}.json", bundle(statement('{"x":%s}' % objects(10 * MIB)))) for i in range(4)]


@case("four bundles of 14 MiB of small objects", evidence=56)
def _(folder):
    return verify(folder, *six(folder))


@case("the same, shown", evidence=56, exits=(0, 1, 2, 3))
def _(folder):
    return ["inspect", six(folder)[0]]


@case("the same without a policy", evidence=56)
def _(folder):
    arguments = verify(folder, *six(folder))
    return [a for a in arguments if a not in ("--key", KEY + ".pub", "--predicate-type", TYPE)]


@case("a provenance of 14 MiB of small objects by nobody", evidence=14)
def _(folder):
    predicate = '{"buildDefinition":{"buildType":"b","externalParameters":{"x":%s}},"runDetails":{"builder":{"id":"i"}}}'
    return verify(folder, write(folder, "b.json", bundle(statement(predicate % objects(10 * MIB), PROVENANCE))))


@case("a provenance of 14 MiB of small objects with a certificate of nobody", evidence=14)
def _(folder):
    predicate = '{"buildDefinition":{"buildType":"b","externalParameters":{"x":%s}},"runDetails":{"builder":{"id":"i"}}}'
    material = '"certificate":{"rawBytes":"AAAA"}'
    return verify(folder, write(folder, "b.json", bundle(statement(predicate % objects(10 * MIB), PROVENANCE), material)))


@case("small objects in unknown fields of a bundle", evidence=14)
def _(folder):
    return verify(folder, write(folder, "b.json", bundle(statement("{}"), more=',"x":%s' % objects(14 * MIB))))


@case("small objects in a log entry", evidence=14)
def _(folder):
    material = '"publicKey":{"hint":"x"},"tlogEntries":[{"x":%s}]' % objects(14 * MIB)
    return verify(folder, write(folder, "b.json", bundle(statement("{}"), material)))


@case("a million empty lists", evidence=8)
def _(folder):
    return verify(folder, write(folder, "b.json", bundle(statement('{"x":[%s]}' % ",".join(["[]"] * 1_000_000)))))


@case("a million distinct keys", evidence=16)
def _(folder):
    keys = ",".join('"%x":0' % i for i in range(1_000_000))
    return verify(folder, write(folder, "b.json", bundle(statement('{"x":{%s}}' % keys))))


@case("a million subjects", evidence=24)
def _(folder):
    subjects = "[%s]" % ",".join(['{"name":"a"}'] * 1_000_000)
    return verify(folder, write(folder, "b.json", bundle(statement("{}", subjects=subjects))))


@case("a statement of one string of 20 MiB", evidence=28)
def _(folder):
    return verify(folder, write(folder, "b.json", bundle(statement('{"x":"%s"}' % ("a" * (20 * MIB))))))


@case("escapes in a string of 20 MiB", evidence=28)
def _(folder):
    return verify(folder, write(folder, "b.json", bundle(statement('{"x":"%s"}' % ("\\u0061" * (3 * MIB))))))


@case("lists 60 levels deep, side by side", evidence=14)
def _(folder):
    one = "[" * 60 + "]" * 60
    return verify(folder, write(folder, "b.json", bundle(statement('{"x":[%s]}' % ",".join([one] * 80_000)))))


@case("a file of 60 MiB of lines that are no bundles", evidence=60)
def _(folder):
    return verify(folder, write(folder, "b.jsonl", b'{"a":[{},{},{},{}]}\n' * (60 * MIB // 20)))


@case("a file of 1,000 lines of small objects", evidence=60)
def _(folder):
    return verify(folder, write(folder, "b.jsonl", (bundle(statement('{"x":%s}' % objects(40_000))) + b"\n") * 1000))


@case("1,000 bundles with a certificate of nobody", evidence=60)
def _(folder):
    line = bundle(statement('{"x":%s}' % objects(40_000)), '"certificate":{"rawBytes":"AAAA"}') + b"\n"
    return verify(folder, write(folder, "b.jsonl", line * 1000))


@case("no JSON, 30 MiB", evidence=30)
def _(folder):
    return verify(folder, write(folder, "b.json", b"[" * (30 * MIB)))


@case("16 signatures over 14 MiB, by 100 trusted keys", evidence=14)
def _(folder):
    many = bundle(statement('{"x":"%s"}' % ("a" * (10 * MIB)))).replace(b'[{"sig":"AAAA"}]', b"[" + b",".join([b'{"sig":"%s"}' % base64.b64encode(bytes(70)) for _ in range(16)]) + b"]")
    path = write(folder, "b.json", many)
    return verify(folder, path)


# By a key that is trusted, or was.


def signed(folder, predicate, kind=TYPE, name="b.json"):
    write(folder, "app", APP)
    path = write(folder, "predicate.json", predicate)
    output = os.path.join(folder, name)
    run("create", os.path.join(folder, "app"), "--key", KEY + ".key", "--predicate", path, "--predicate-type", kind, "--output", output, cwd=folder)
    os.remove(path)
    return output


@case("small objects by a trusted key, six times", evidence=3, exits=(0, 3))
def _(folder):
    one = signed(folder, '{"x":%s}' % objects(MIB // 4))
    lines = open(one, "rb").read().strip() + b"\n"
    return verify(folder, write(folder, "all.jsonl", lines * 6))


# To be 108 MiB: the tree of one and what is made of it are there at once, on each core.
@case("a provenance of small objects by a trusted key, six times", most=128, exits=(0, 1, 3))
def _(folder):
    predicate = '{"buildDefinition":{"buildType":"https://b.example","externalParameters":{"x":%s}},"runDetails":{"builder":{"id":"https://i.example"}}}'
    one = signed(folder, predicate % objects(MIB // 4), PROVENANCE)
    lines = open(one, "rb").read().strip() + b"\n"
    arguments = verify(folder, write(folder, "all.jsonl", lines * 6))
    return [PROVENANCE if a == TYPE else a for a in arguments]


# Image layouts.


def blob(folder, content):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    digest = hashlib.sha256(content).hexdigest()
    write(folder, f"blobs/sha256/{digest}", content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def image(folder, name):
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(folder, {"name": name})}
    return {"mediaType": MANIFEST, **blob(folder, {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []})}


def referrer(folder, subject, n=0, kind=BUNDLE, pad=""):
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", **blob(folder, b"{}")}
    layer = {"mediaType": kind, **blob(folder, bundle(statement("{}")))}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "config": empty, "layers": [layer], "subject": subject, "annotations": {"n": str(n) + pad}}
    return {"mediaType": MANIFEST, "artifactType": kind, **blob(folder, manifest)}


def layout(folder, entries):
    write(folder, "oci-layout", '{"imageLayoutVersion":"1.0.0"}')
    write(folder, "index.json", json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}))


def by_layout(folder, digest, timeout="2s"):
    return ["verify", f"oci:{folder}@{digest}", "--key", KEY + ".pub", "--timeout", timeout]


@case("an index of 250 images beside 900 referrers", patience=2.5)
def _(folder):
    images = [image(folder, str(i)) for i in range(250)]
    top = {"mediaType": INDEX, **blob(folder, {"schemaVersion": 2, "mediaType": INDEX, "manifests": images})}
    layout(folder, [top, *[referrer(folder, images[0], i) for i in range(900)]])
    return by_layout(folder, top["digest"])


@case("250 images and 4,000 referrers of something else", patience=2.5)
def _(folder):
    images = [image(folder, str(i)) for i in range(250)]
    top = {"mediaType": INDEX, **blob(folder, {"schemaVersion": 2, "mediaType": INDEX, "manifests": images})}
    other = image(folder, "other")
    layout(folder, [top, *[referrer(folder, other, i) for i in range(4000)]])
    return by_layout(folder, top["digest"])


@case("2,000 copies of one referrer of 3 MiB", patience=2.5, evidence=3)
def _(folder):
    one = image(folder, "one")
    layout(folder, [one, *[referrer(folder, one, pad="x" * (3 * MIB))] * 2000])
    return by_layout(folder, one["digest"])


@case("an unattested image with a layer of 20 GiB", patience=2.5)
def _(folder):
    path = write(folder, "blobs/sha256/" + "0" * 64, b"")
    os.truncate(path, 20 << 30)
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:" + "0" * 64, "size": 20 << 30}
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(folder, {})}
    one = {"mediaType": MANIFEST, **blob(folder, {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]})}
    layout(folder, [one])
    return by_layout(folder, one["digest"])


@case("an index.json of 3 MiB of small objects")
def _(folder):
    one = image(folder, "one")
    layout(folder, [one])
    text = json.dumps({"schemaVersion": 2, "manifests": [one]})[:-1]
    write(folder, "index.json", text + ',"x":%s}' % objects(3 * MIB))
    return by_layout(folder, one["digest"])


@case("indexes of indexes of indexes", patience=2.5)
def _(folder):
    entries = [image(folder, str(i)) for i in range(15)]
    for level in range(3):
        entries = [{"mediaType": INDEX, **blob(folder, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, "annotations": {"n": f"{level}-{i}"}})} for i in range(15)]
    layout(folder, entries[:1])
    return by_layout(folder, entries[0]["digest"])


# Policies.


def policy(folder, text):
    write(folder, "app", APP)
    return ["verify", os.path.join(folder, "app"), "--policy", write(folder, "p.yaml", text), "--timeout", "5s"]


HEAD = "apiVersion: agent-attest.github.io/v1\nkind: AttestationPolicy\nmetadata: { name: p }\nspec:\n"


@case("a policy of a million bytes of empty maps")
def _(folder):
    return policy(folder, HEAD + "  images: [%s]\n" % ",".join(["{}"] * 300_000))


@case("a policy of aliases of aliases")
def _(folder):
    lines = ["  a0: &a0 [x,x,x,x,x,x,x,x,x]"] + [f"  a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    return policy(folder, HEAD + "\n".join(lines) + "\n")


@case("a policy of 100,000 keys")
def _(folder):
    return policy(folder, HEAD + "".join(f"  k{i}: 1\n" for i in range(70_000)))


@case("a policy of 30,000 globs of stars")
def _(folder):
    images = "".join(f'    - glob: "registry.example/**/*{i}*/**"\n' for i in range(20_000))
    return policy(folder, HEAD + "  images:\n" + images + "  require: [{ signers: [{ key: %s.pub }] }]\n" % KEY)


# Checkouts: what a build step's folder holds is anybody's.


def checkout(folder):
    git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True, env=environment())
    write(folder, "app", APP)
    subprocess.run([*git, "add", "app"], check=True, env=environment())
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True, env=environment())
    return ["generate", "app"]


ANY = (0, 1, 2, 3)


@case("package-lock.json of 17 MiB of small objects", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, "package-lock.json", '{"lockfileVersion":3,"packages":{"":{}},"x":%s}' % objects(17 * MIB))
    return arguments


@case("Cargo.lock of 17 MiB of small tables", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, "Cargo.lock", "version = 4\nx=[%s]\n" % ",".join(["{a=1}"] * (17 * MIB // 6)))
    return arguments


@case("Cargo.lock of 54 MiB of small tables", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, "Cargo.lock", "version = 4\nx=[%s]\n" % ",".join(["{a=1}"] * (54 * MIB // 6)))
    return arguments


@case("uv.lock of 17 MiB of small tables", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, "uv.lock", "version = 1\nx=[%s]\n" % ",".join(["{a=1}"] * (17 * MIB // 6)))
    return arguments


@case("Cargo.lock of 17 MiB of dotted keys", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, "Cargo.lock", "version = 4\n" + "".join(f"a{i}.b.c.d=1\n" for i in range(1_000_000)))
    return arguments


# Honest and large: what a statement of so many dependencies takes.
def cargo_lock(folder, packages):
    arguments = checkout(folder)
    one = '[[package]]\nname = "crate-%d"\nversion = "1.0.%d"\nsource = "registry+https://registry.example/index"\nchecksum = "%064x"\n\n'
    write(folder, "Cargo.lock", "version = 4\n\n" + "".join(one % (i, i, i) for i in range(packages)))
    return arguments


@case("Cargo.lock of 99,000 packages", exits=(0,), most=150, patience=30.0)
def _(folder):
    return cargo_lock(folder, 98_900)


@case("Cargo.lock of 99,000 packages, signed", exits=(0,), most=150, patience=30.0)
def _(folder):
    cargo_lock(folder, 98_900)
    return ["create", "app", "--key", KEY + ".key"]


@case("SBOM of 22 MB, a million values, signed", exits=(0,), most=300, patience=30.0)
def _(folder):
    checkout(folder)
    one = (
        '{"name":"p-%d","SPDXID":"SPDXRef-p-%d","versionInfo":"1.%d","licenseDeclared":"MIT","filesAnalyzed":false,'
        '"checksums":[{"algorithm":"SHA256","checksumValue":"%064x"}],"externalRefs":[{"referenceType":"purl",'
        '"referenceLocator":"pkg:npm/p-%d@1.%d"}],"x":[1,2,3,4,5,6,7,8,9]}'
    )
    packages = ",".join(one % (i, i, i, i, i, i) for i in range(63_500))
    write(folder, "sbom.json", '{"spdxVersion":"SPDX-2.3","packages":[%s]}' % packages)
    return ["create", "app", "--key", KEY + ".key", "--predicate", "sbom.json", "--predicate-type", "spdx"]


@case("uv.lock of 60,000 artifacts", exits=(0,), most=150, patience=30.0)
def _(folder):
    arguments = checkout(folder)
    wheel = '    { url = "https://files.example/%d/p-%d.whl", hash = "sha256:%064x", size = 1 },\n'
    one = '[[package]]\nname = "p-%d"\nversion = "1.%d"\nsource = { registry = "https://pypi.org/simple" }\nwheels = [\n%s]\n\n'
    packages = (one % (i, i, "".join(wheel % (n, i, 3 * i + n) for n in range(3))) for i in range(20_000))
    write(folder, "uv.lock", "version = 1\n\n" + "".join(packages))
    return arguments


@case("flake.lock of 8 MiB of small objects", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, "flake.lock", '{"version":7,"root":"root","nodes":{"root":{}},"x":%s}' % objects(8 * MIB))
    return arguments


@case("a project file of 100,000 keys", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, ".attest.yaml", "".join(f"k{i}: 1\n" for i in range(95_000)))
    return arguments


@case("a project file that names one file of 60 MiB a hundred times", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, "big", b"x" * (60 * MIB))
    write(folder, ".attest.yaml", "materials: [%s]\n" % ", ".join(["big"] * 100))
    return arguments


def pipe(name):
    def make(folder):
        arguments = checkout(folder)
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.remove(path)
        os.mkfifo(path)
        return arguments

    return make


for name in (".gitignore", ".gitattributes", ".git/HEAD", ".git/index", ".git/packed-refs", ".git/config", "Cargo.lock", "Dockerfile", ".attest.yaml"):
    case(f"a pipe as {name}", exits=ANY)(pipe(name))


@case("packed-refs of 60 MiB", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, ".git/packed-refs", b"0" * 40 + b" refs/heads/x\n" + (b"0" * 40 + b" refs/heads/yyyyyyyyyyyy\n") * 900_000)
    return arguments


@case("60 MiB of .gitignore", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, ".gitignore", b"**/a*b*c*d\n" * (60 * MIB // 11))
    return arguments


@case("20,000 untracked files", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    for i in range(20_000):
        write(folder, f"d{i % 100}/f{i}", b"")
    return arguments


@case("a Dockerfile of 4 MiB of lines that go on", exits=ANY)
def _(folder):
    arguments = checkout(folder)
    write(folder, "Dockerfile", b"FROM a@sha256:" + b"0" * 64 + b"\nRUN " + b"\\\n" * (2 * MIB))
    return arguments


def made(make, folder):
    """Makes an input in a process of its own: what it took for that would else be counted as the measured one's."""
    child = os.fork()
    if child == 0:
        try:
            write(folder, "arguments.json.made", json.dumps(make(folder)))
        except BaseException as e:
            print(f"  {e} {getattr(e, 'stderr', '')}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("the input could not be made")
    path = os.path.join(folder, "arguments.json.made")
    with open(path) as file:
        arguments = json.load(file)
    os.remove(path)
    return arguments


def peak_of(pid):
    """The most memory of a process so far (MiB), without that of programs that it runs: git's is git's."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def measure(arguments, cwd, patience):
    """Exit code, MiB at the peak and seconds of one run; killed at three times its patience."""
    began, peak = time.monotonic(), 0
    child = subprocess.Popen([ATTEST, *arguments], cwd=cwd, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None and time.monotonic() - began < 3 * patience:
        peak = max(peak, peak_of(child.pid))
        time.sleep(0.001)
    took = time.monotonic() - began
    code = child.returncode
    if code is None:
        child.kill()
        child.wait()
        code = "killed"
    return code, peak, took


def main():
    run("keygen", "--output-key-prefix", KEY)
    bad = 0
    wanted = [c for c in CASES if not ONLY or any(o in c[0] for o in ONLY)]
    for i, (name, allowed, exits, patience, make) in enumerate(wanted):
        folder = os.path.join(WORK, f"case-{i}")
        os.makedirs(folder)
        arguments = made(make, folder)
        code, peak, took = measure(arguments, folder, patience)
        wrong = []
        if peak > allowed:
            wrong.append(f"over {allowed} MiB")
        if took > patience:
            wrong.append(f"over {patience} s")
        if code not in exits:
            wrong.append(f"exit {code}, expected one of {', '.join(map(str, exits))}")
        bad += bool(wrong)
        print(f"  exit {code}  {peak:5.0f} MiB  {took:6.2f} s  {name}{'  WRONG: ' + '; '.join(wrong) if wrong else ''}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"  {len(wanted)} inputs, {bad} over a limit")
    sys.exit(bad != 0)


main()
