# A program's bill of materials, as CycloneDX 1.6. Of what `cargo metadata` says ($metadata) it takes the crates that `cargo tree`
# chose for the program's target and features ($crates, NAME@VERSION a line); those that only help to build it are marked so.
def lines: split("\n") | map(select(. != ""));
def purl: "pkg:cargo/\(.name)@\(.version | gsub("\\+"; "%2B"))";
# Older crates write `/` where SPDX has `OR`.
def licences: if .license then [{ expression: (.license | gsub(" */ *"; " OR ")) }] else [{ license: { name: "see licences/crates.txt" } }] end;
def links: [(.repository | select(.) | { type: "vcs", url: . }), (.homepage | select(.) | { type: "website", url: . })];
# What follows from a package along edges of one kind, not through what runs in the compiler.
def reached($edges; $stops):
  def step($seen; $next): if ($next | length) == 0 then $seen else
    ([$next[] | select($stops[.] | not) | $edges[.][]?] | unique | map(select($seen[.] | not))) as $more
    | step($seen + ($more | map({ (.): true }) | add // {}); $more) end;
  step({ (.): true }; [.]);

$version[0] as $built | $metadata[0] as $cargo
| ($crates | lines | map({ (.): true }) | add) as $chosen
| ($checksums | lines | map(split(" ") | { (.[0]): .[1] }) | add) as $checksum
| ($cargo.packages | map(select($chosen["\(.name)@\(.version)"]))) as $packages
| ($packages | map({ (.id): . }) | add) as $of
| $cargo.resolve.root as $root
| ($packages | map(select(.targets | any(.kind | index("proc-macro"))) | { (.id): true }) | add // {}) as $macros
| def edges($kinds): $cargo.resolve.nodes | map(select($of[.id]) | { (.id): [.deps[] | select($of[.pkg])
    | select(.dep_kinds | any(.kind as $kind | $kinds | index([$kind]))) | .pkg] }) | add;
  edges([null]) as $linked | edges([null, "build"]) as $all
| ($root | reached($linked; $macros)) as $inside
| (if $libc == "" then [] else [{ type: "library", "bom-ref": "glibc", name: "glibc", version: $libc, scope: "required",
    licenses: [{ expression: "LGPL-2.1-or-later" }], purl: "pkg:generic/glibc@\($libc)" }] end) as $glibc
| ([{ type: "library", "bom-ref": "rust-std", name: "rust-std", version: $rust, scope: "required",
    licenses: [{ expression: "MIT OR Apache-2.0" }], purl: "pkg:generic/rust-std@\($rust)" }] + $glibc) as $beside
| {
  "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
  bomFormat: "CycloneDX", specVersion: "1.6", version: 1,
  # One number for one program, as everything here follows from it.
  serialNumber: ("urn:uuid:" + ($sha256 | "\(.[0:8])-\(.[8:12])-8\(.[13:16])-a\(.[17:20])-\(.[20:32])")),
  metadata: {
    timestamp: (env.SOURCE_DATE_EPOCH | tonumber | todate),
    component: ($of[$root] | {
      type: "application", "bom-ref": purl, name: "attest", version, description, licenses: licences, purl: purl,
      hashes: [{ alg: "SHA-256", content: $sha256 }], externalReferences: links,
      properties: [
        { name: "attest:target", value: $built.target }, { name: "attest:features", value: ($built.features | join(",")) },
        { name: "attest:static", value: ($built.static | tostring) }, { name: "attest:rustc", value: $rust },
        { name: "attest:cc", value: $compiler }, ($built.commit | select(.) | { name: "attest:commit", value: . })
      ] } | del(.description | nulls) | del(.externalReferences | select(. == [])))
  },
  components: (($packages | map(select(.id != $root)) | sort_by(.name, .version) | map(. as $crate | {
    type: "library", "bom-ref": purl, name, version, purl: purl, licenses: licences,
    scope: (if $inside[.id] and ($macros[.id] | not) then "required" else "excluded" end),
    hashes: [$checksum["\(.name)@\(.version)"] | select(.) | { alg: "SHA-256", content: . }],
    externalReferences: links
  } | del(.hashes, .externalReferences | select(. == [])))) + $beside),
  dependencies: (($packages | sort_by(.name, .version) | map({ ref: purl,
    dependsOn: ([$all[.id][] | $of[.] | purl] + (if .id == $root then $beside | map(.["bom-ref"]) else [] end) | unique) }))
    + ($beside | map({ ref: .["bom-ref"], dependsOn: [] })))
}
