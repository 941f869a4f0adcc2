"""A TUF repository made with python-tuf, for one state of it after another.

Usage: tuf_repository.py FOLDER ROOT_FILE COMMAND...

FOLDER holds the repository as it is served, and the keys beside it (FOLDER.keys). Commands, in order:
  init            version 1 of everything, with ROOT_FILE as the target trusted_root.json
  target          a new version that has ROOT_FILE as its target
  rotate          a new root, signed by the old root key and a new one, with a new timestamp key
  rotate-alone    a new root that only its own new key signed
  expire ROLE     a new version of the role (timestamp, snapshot, targets) that has expired
  ending SECONDS  a new timestamp that expires so soon
  wrong-hash      other bytes in the place of the target
  wrong-key       a new timestamp that another key signed
  no-target       a new version that has no target
"""

import datetime
import json
import os
import sys

from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

TARGET = "trusted_root.json"
ROLES = ("root", "timestamp", "snapshot", "targets")


class Repository:
    def __init__(self, folder, root_file):
        self.folder = folder
        self.root_file = root_file
        os.makedirs(os.path.join(folder, "targets"), exist_ok=True)
        os.makedirs(folder + ".keys", exist_ok=True)

    def later(self, days=30):
        return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=days)

    def signer(self, role, fresh=False):
        path = os.path.join(self.folder + ".keys", role)
        if fresh or not os.path.exists(path):
            signer = CryptoSigner.generate_ecdsa()
            with open(path, "wb") as file:
                file.write(signer.private_bytes)
            with open(path + ".public", "w", encoding="utf-8") as file:
                json.dump({"keyid": signer.public_key.keyid, **signer.public_key.to_dict()}, file)
        with open(path + ".public", encoding="utf-8") as file:
            public = json.load(file)
        key = SSlibKey.from_dict(public.pop("keyid"), public)
        return CryptoSigner.from_priv_key_uri("file2:" + path, key)

    def read(self, role):
        name = {"timestamp": "timestamp.json"}.get(role) or f"{self.version(role)}.{role}.json"
        return Metadata.from_file(os.path.join(self.folder, name))

    def version(self, role):
        names = os.listdir(self.folder)
        return max(int(n.split(".")[0]) for n in names if n.endswith(f".{role}.json"))

    def write(self, role, metadata, signers):
        metadata.signatures.clear()
        for signer in signers:
            metadata.sign(signer, append=True)
        data = metadata.to_bytes(JSONSerializer())
        name = "timestamp.json" if role == "timestamp" else f"{metadata.signed.version}.{role}.json"
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(data)

    def init(self):
        root = Root(expires=self.later(), consistent_snapshot=True)
        for role in ROLES:
            root.add_key(self.signer(role).public_key, role)
        self.write("root", Metadata(root), [self.signer("root")])
        targets = Targets(expires=self.later())
        targets.targets[TARGET] = self.target_file()
        self.write("targets", Metadata(targets), [self.signer("targets")])
        self.write("snapshot", Metadata(Snapshot(expires=self.later())), [self.signer("snapshot")])
        self.write("timestamp", Metadata(Timestamp(expires=self.later())), [self.signer("timestamp")])

    def target_file(self):
        info = TargetFile.from_file(TARGET, self.root_file)
        for path in info.get_prefixed_paths():
            with open(self.root_file, "rb") as source, open(os.path.join(self.folder, "targets", path), "wb") as file:
                file.write(source.read())
        return info

    def bump(self, role, days=30, change=lambda signed: None):
        """A new version of the role and of what names it."""
        metadata = self.read(role)
        metadata.signed.version += 1
        metadata.signed.expires = self.later(days)
        change(metadata.signed)
        self.write(role, metadata, [self.signer(role)])
        above = {"targets": "snapshot", "snapshot": "timestamp"}.get(role)
        version = metadata.signed.version
        if above == "snapshot":
            self.bump("snapshot", change=lambda s: s.meta.update({"targets.json": MetaFile(version)}))
        elif above == "timestamp":
            self.bump("timestamp", change=lambda s: setattr(s, "snapshot_meta", MetaFile(version)))

    def target(self):
        info = self.target_file()
        self.bump("targets", change=lambda s: s.targets.update({TARGET: info}))

    def no_target(self):
        self.bump("targets", change=lambda s: s.targets.clear())

    def rotate(self, alone=False):
        metadata = self.read("root")
        old = self.signer("root")
        new = self.signer("root", fresh=True)
        metadata.signed.version += 1
        metadata.signed.revoke_key(old.public_key.keyid, "root")
        metadata.signed.add_key(new.public_key, "root")
        metadata.signed.revoke_key(self.signer("timestamp").public_key.keyid, "timestamp")
        metadata.signed.add_key(self.signer("timestamp", fresh=True).public_key, "timestamp")
        self.write("root", metadata, [new] if alone else [old, new])
        self.bump("timestamp")

    def wrong_hash(self):
        info = self.read("targets").signed.targets[TARGET]
        for path in info.get_prefixed_paths():
            with open(os.path.join(self.folder, "targets", path), "r+b") as file:
                data = file.read()
                file.seek(0)
                # As long as the right one.
                file.write(data.replace(b"http", b"HTTP", 1))

    def wrong_key(self):
        metadata = self.read("timestamp")
        metadata.signed.version += 1
        self.write("timestamp", metadata, [CryptoSigner.generate_ecdsa()])


def main():
    repository = Repository(sys.argv[1], sys.argv[2])
    commands = iter(sys.argv[3:])
    for command in commands:
        if command == "init":
            repository.init()
        elif command == "target":
            repository.target()
        elif command == "no-target":
            repository.no_target()
        elif command == "rotate":
            repository.rotate()
        elif command == "rotate-alone":
            repository.rotate(alone=True)
        elif command == "expire":
            repository.bump(next(commands), days=-1)
        elif command == "ending":
            repository.bump("timestamp", days=int(next(commands)) / 86400)
        elif command == "wrong-hash":
            repository.wrong_hash()
        elif command == "wrong-key":
            repository.wrong_key()
        else:
            sys.exit(f"no such command: {command}")


main()
