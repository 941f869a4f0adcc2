#!/bin/sh
# Adds a container image to an OCI image layout: `release/image.sh ARCHIVE LAYOUT`, with an archive that pack.sh wrote. The image
# has the program, its licences and an unprivileged user (65532), and nothing else; an index names the image of each platform,
# sorted. No program but those of lib.sh takes part, and all bytes follow from the archives and the time.
set -eu
unset CDPATH
root=$(cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/release/lib.sh"
[ $# -eq 2 ] || fail 'expected an archive and a folder for the layout'
epoch
archive=$1 layout=$2
temp=$(mktemp -d)
trap 'rm -rf -- "$temp"' EXIT
mkdir -p -- "$layout/blobs/sha256" "$temp/image/etc" "$temp/image/usr/bin" "$temp/image/usr/share"

name=$(basename -- "$archive" .tar.gz)
target=${name#attest-}
case $target in
  x86_64-*-linux-*) platform='{"architecture":"amd64","os":"linux"}' ;;
  aarch64-*-linux-*) platform='{"architecture":"arm64","os":"linux"}' ;;
  *) fail "expected an archive for Linux on x86_64 or aarch64, found $target" ;;
esac
"$tar" --extract --gzip --file="$archive" --directory="$temp"
[ -f "$temp/$name/attest" ] && [ ! -L "$temp/$name/attest" ] || fail "$archive holds no program $name/attest"
cp -- "$temp/$name/attest" "$temp/image/usr/bin/attest"
mkdir "$temp/image/usr/share/attest"
cp -R -- "$temp/$name/LICENSE" "$temp/$name/licences" "$temp/image/usr/share/attest"
printf 'root:x:0:0:root:/:/sbin/nologin\nattest:x:65532:65532:attest:/:/sbin/nologin\n' >"$temp/image/etc/passwd"
printf 'root:x:0:\nattest:x:65532:\n' >"$temp/image/etc/group"

created=$(jq -nr 'env.SOURCE_DATE_EPOCH | tonumber | todate')
labels=$(jq -cS --arg created "$created" '.metadata.component | ([.properties[] | select(.name == "attest:commit").value]) as $commit
  | { title: .name, description, version, created: $created, licenses: .licenses[0].expression,
      source: "https://github.com/agent-attest/attest" } + (if $commit == [] then {} else { revision: $commit[0] } end)
  | with_entries(.key |= "org.opencontainers.image." + .)' "${archive%.tar.gz}.cdx.json")

# keep FILE MEDIA-TYPE: stores it under its digest and prints its descriptor.
keep() {
  digest=$(sum "$1")
  cp -- "$1" "$layout/blobs/sha256/$digest"
  jq -ncS --arg mediaType "$2" --arg digest "sha256:$digest" --argjson size "$(($(wc -c <"$1")))" '$ARGS.named'
}
oci=application/vnd.oci.image

tarball "$temp/image" etc usr >"$temp/layer.tar"
gzip -9n <"$temp/layer.tar" >"$temp/layer"
layer=$(keep "$temp/layer" $oci.layer.v1.tar+gzip)
jq -ncS --argjson platform "$platform" --argjson labels "$labels" --arg created "$created" --arg layer "$(sum "$temp/layer.tar")" \
  '$platform + { created: $created, rootfs: { type: "layers", diff_ids: ["sha256:" + $layer] },
    history: [{ created: $created, created_by: "release/image.sh" }],
    config: { User: "65532:65532", Entrypoint: ["/usr/bin/attest"], WorkingDir: "/", Labels: $labels } }' >"$temp/config"
config=$(keep "$temp/config" $oci.config.v1+json)
jq -ncS --arg type $oci.manifest.v1+json --argjson config "$config" --argjson layer "$layer" --argjson labels "$labels" \
  '{ schemaVersion: 2, mediaType: $type, config: $config, layers: [$layer], annotations: $labels }' >"$temp/manifest"
manifest=$(keep "$temp/manifest" $oci.manifest.v1+json)

# The index of before, with this platform's image in place of one that it has.
old='{"manifests":[]}'
if [ -f "$layout/index.json" ]; then
  old=$layout/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' "$layout/index.json")
  previous=$old
  old=$(cat -- "$old")
  rm -- "$previous"
fi
jq -ncS --arg type $oci.index.v1+json --argjson old "$old" --argjson platform "$platform" --argjson image "$manifest" \
  --argjson labels "$labels" '{ schemaVersion: 2, mediaType: $type, annotations: $labels, manifests:
    ([$old.manifests[] | select(.platform != $platform)] + [$image + { platform: $platform }] | sort_by(.platform.architecture)) }' \
  >"$temp/index"
index=$(keep "$temp/index" $oci.index.v1+json)
printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
jq -ncS --arg type $oci.index.v1+json --argjson labels "$labels" --argjson index "$index" '{ schemaVersion: 2, mediaType: $type,
  manifests: [$index + { annotations: { "org.opencontainers.image.ref.name": $labels["org.opencontainers.image.version"] } }] }' >"$layout/index.json"
