"""A plugin of pytest that lets Sigstore's conformance suite sign with an instance on this machine.

The suite fetches its token and its instance's configuration over the network, and its tests sign with Sigstore's own
instances unless they are told otherwise. Environment: SUITE_TOKEN, SUITE_ROOT, SUITE_CONFIG (files).
"""

import os
from pathlib import Path

import urllib3


def pytest_sessionstart(session):
    import test.client
    import test.conftest

    root, config = Path(os.environ["SUITE_ROOT"]), Path(os.environ["SUITE_CONFIG"])
    test.conftest._client_config = lambda project_root, staging: (root, config)
    materials = test.client.BundleMaterials
    original = materials.from_artifact_path.__func__

    def of_instance(cls, path):
        made = original(cls, path)
        made.trusted_root, made.signing_config = root, config
        return made

    materials.from_artifact_path = classmethod(of_instance)


class Token:
    data = Path(os.environ["SUITE_TOKEN"]).read_bytes().strip()


# Before the suite takes its own name for it.
urllib3.request = lambda *arguments, **options: Token
