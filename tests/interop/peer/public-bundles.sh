#!/usr/bin/env bash
# Provenance that others published, as it lies among the test data of public repositories: npm's, slsa-github-generator's,
# GitHub's. None of it is part of this one.
#   install            what can be had of it; a checkout that somebody laid into the folder counts, too
#   file REPO PATH     prints a file of one of them
#   why REPO           why it is not here
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

FOLDER=$CACHE/public-bundles
# The commits whose files the cases know.
declare -A COMMITS=(
  [slsa-framework/slsa-verifier]=aaf98fd77ddc1963c0f34f34c46bd84d7a08c260
  [cli/cli]=44ee17760709bedf1cad7e452e61751489b81a33
  [npm/cli]=780afc50e3a345feb1871a28e33fa48235bc3bd5
)

of() { printf '%s/%s' "$FOLDER" "${1/\//+}"; }

case $1 in
install)
  locked
  mkdir -p "$FOLDER"
  here=0
  for repo in "${!COMMITS[@]}"; do
    folder=$(of "$repo") commit=${COMMITS[$repo]}
    if ! git -C "$folder" cat-file -e "$commit^{commit}" 2>/dev/null; then
      rm -rf "$folder"
      git init -q --bare "$folder"
      # A host that is not reached answers nothing at all.
      GIT_TERMINAL_PROMPT=0 timeout 300 git -C "$folder" fetch -q --depth 1 "https://github.com/$repo" "$commit" \
        2>"$folder.why" || rm -rf "$folder"
    fi
    if [[ -d $folder ]]; then here=$((here + 1)); fi
  done
  ((here)) || unreachable "no repository with published bundles is reached: $(cat "$FOLDER"/*.why | tail -n 1)"
  printf '%s\n' "$FOLDER"
  ;;
file)
  git -C "$(of "$2")" show "${COMMITS[$2]}:$3"
  ;;
why)
  tail -n 1 "$(of "$2").why"
  ;;
*) exit 2 ;;
esac
