"""Compares what two programs say of the container files of a table: PARSER ATTEST TABLE FOLDER."""

import json
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

parser, attest, table, folder = sys.argv[1:]
rows = json.load(open(table, encoding="utf-8"))
root = pathlib.Path(folder, "files")


def filled(text):
    for digit in "123":
        text = text.replace("D" + digit, f"r.example/b{digit}@sha256:{digit * 64}")
    return text


def ours(place):
    """The base image as `attest generate` writes it, or none."""
    subject = place / "subject"
    subject.write_text("x")
    done = subprocess.run([attest, "generate", "subject"], cwd=place, capture_output=True, check=True)
    definition = json.loads(done.stdout)["predicate"]["buildDefinition"]
    for dependency in definition.get("resolvedDependencies", []):
        if dependency.get("name") == "base-image":
            name, _, qualifiers = dependency["uri"].removeprefix("pkg:docker/").partition("?")
            host = unquote(qualifiers.removeprefix("repository_url="))
            assert name.partition("@")[2].replace("%3A", ":") == "sha256:" + dependency["digest"]["sha256"], dependency
            return (host + "/" if host else "") + unquote(name)
    return None


files = []
for number, (text, _) in enumerate(rows):
    place = root / f"{number:03}"
    place.mkdir(parents=True)
    (place / "Dockerfile").write_bytes(filled(text).encode())
    files.append(place / "Dockerfile")
said = subprocess.run([parser, *files], capture_output=True, check=True, text=True).stdout.splitlines()
assert len(said) == len(rows), f"{len(said)} answers to {len(rows)} files"
with ThreadPoolExecutor(2) as pool:
    found = list(pool.map(ours, [file.parent for file in files]))

wrong, named, refused = [], 0, 0
for (text, expected), theirs, mine in zip(rows, map(json.loads, said), found):
    if expected.startswith("!!"):
        right = "error" in theirs and mine is None
        refused += 1
    elif expected.startswith("!"):
        right = mine is None
    else:
        image = filled(expected.split(" ")[0])
        # Without a digest there is nothing to record.
        right = theirs.get("image") == image and mine == (image if "@" in image else None)
        named += 1
    if not right:
        wrong.append(f"{text!r}: {expected} expected, BuildKit says {theirs}, attest says {mine}")
print("\n".join(wrong))
print(f"{len(rows)} container files: {named} with a base image, {refused} that BuildKit refuses")
sys.exit(bool(wrong))
