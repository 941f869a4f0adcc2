#!/usr/bin/env bash
# packageurl-js: reads package URLs. A library: `read` takes one URL a line and prints it as the library writes it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case $1 in
install) npm_packages packageurl-js packageurl-js@2.0.1 ;;
read)
  cd "$CACHE/npm-packageurl-js"
  node --input-type=module -e '
    import { PackageURL } from "packageurl-js";
    import { readFileSync } from "node:fs";
    for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
      const read = PackageURL.fromString(line);
      if (!read.version) throw new Error(`no version in ${line}`);
      console.log(read.version);
    }'
  ;;
*) exit 2 ;;
esac
