"""Reads a statement with in-toto's bindings and the envelope of a bundle with securesystemslib; exits 1 where they refuse."""

import json
import sys

from google.protobuf import json_format
from in_toto_attestation.v1 import resource_descriptor_pb2, statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope

statement, bundle = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
Statement.copy_from_pb(json_format.ParseDict(statement, statement_pb2.Statement())).validate()
definition = statement["predicate"]["buildDefinition"]
for found in definition["resolvedDependencies"] + statement["predicate"]["runDetails"].get("byproducts", []):
    descriptor = json_format.ParseDict(found, resource_descriptor_pb2.ResourceDescriptor())
    ResourceDescriptor.copy_from_pb(descriptor).validate()
Envelope.from_dict(bundle["dsseEnvelope"])
print(len(definition["resolvedDependencies"]))
