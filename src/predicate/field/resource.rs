//! The members of a ResourceDescriptor and of a DigestSet.

use super::{Form, Row, fields};
use serde_json::json;

fields! {
    RESOURCE_NAME: "ResourceDescriptor.name" => Row::new(Form::Text, "For people; of a lock file its path.")
        .page("for people; of a file of the checkout its path from the top, of the base image `base-image`, of a submodule its path", "", "packages, the source");
    RESOURCE_URI: "ResourceDescriptor.uri" => Row::new(Form::Uri, "What names it for everybody.")
        .page("a package URL for a package and the base image, `git+REPOSITORY@REF#PATH` for a file of the checkout, `git+REPOSITORY` for a submodule", "", "a submodule whose address is none");
    RESOURCE_DIGEST: "ResourceDescriptor.digest" => Row::new(Form::Digests, "What it is.")
        .page("of its bytes, or as its lock file gives it", "", "the lock file gives none");
    RESOURCE_CONTENT: "ResourceDescriptor.content" => Row::new(Form::Other("base64", || json!({ "type": "string", "contentEncoding": "base64" })), "Its bytes.")
        .page("in-toto's; never written", "", "always");
    RESOURCE_DOWNLOAD_LOCATION: "ResourceDescriptor.downloadLocation" => Row::new(Form::Uri, "Where its bytes are.")
        .page("in-toto's; kept, not acted upon", "", "");
    RESOURCE_MEDIA_TYPE: "ResourceDescriptor.mediaType" => Row::new(Form::Text, "Their type.")
        .page("in-toto's", "", "");
    RESOURCE_ANNOTATIONS: "ResourceDescriptor.annotations" => Row::new(Form::Object(&[]), "What else is said of it.")
        .page("what else is said of it", "", "nothing is");
    RESOURCE_ANNOTATIONS_DIRTY: "ResourceDescriptor.annotations.dirty" => Row::new(Form::Flag, "Whether the work tree differed from the commit before the build step.")
        .page("of the source: whether the work tree differed from the commit before the build step", "hashing the work tree", "no work tree, or it could not be compared: never taken for clean");
    RESOURCE_ANNOTATIONS_DIFFERENCE: "ResourceDescriptor.annotations.difference" => Row::new(Form::Digests, "Digest of the difference, where there is one.")
        .page("digest of the difference; see below", "", "clean; over 100,000 files; a file could not be read");
    RESOURCE_ANNOTATIONS_SIGNATURE: "ResourceDescriptor.annotations.signature" => Row::new(Form::Object(&["kind"]), "The commit's signature as the commit object has it. Nobody has verified it.")
        .page("of the source: the signature in the commit object, which nobody has verified", "the commit object", "not signed");
    RESOURCE_ANNOTATIONS_SIGNATURE_KIND: "ResourceDescriptor.annotations.signature.kind" => Row::new(Form::OneOf(&["openpgp", "ssh", "x509", "unknown"]), "Of which kind it is.")
        .page("`openpgp`, `ssh`, `x509` or `unknown`", "the armour's first line", "never");
    RESOURCE_ANNOTATIONS_SIGNATURE_SIGNER: "ResourceDescriptor.annotations.signature.signer" => Row::new(Form::Text, "Which key it says to be of: SHA256:... of an SSH key, the fingerprint of an OpenPGP key.")
        .page("the key that it says to be of: `SHA256:...` as `ssh-keygen -l` prints it, or an OpenPGP fingerprint in upper-case hex", "the signature", "not in it");
    RESOURCE_ANNOTATIONS_TAGS: "ResourceDescriptor.annotations.tags" => Row::new(Form::Texts, "Full names of the tags at the commit.")
        .page("of the source: full names of the tags at the commit, sorted", "`git for-each-ref`", "none; more than 1,000");
    RESOURCE_ANNOTATIONS_CHECKOUT: "ResourceDescriptor.annotations.checkout" => Row::new(Form::SomeOf(&["shallow", "detached", "linked-worktree", "bare", "partial", "git-dir"]), "What is unusual about the checkout.")
        .page("of the source, what is unusual: `shallow`, `detached`, `linked-worktree`, `bare`, `partial`, `git-dir` (the repository was named by `GIT_DIR`)", "`git rev-parse`, `git config`", "nothing is");
    RESOURCE_ANNOTATIONS_SUBMODULE: "ResourceDescriptor.annotations.submodule" => Row::new(Form::Flag, "The commit's tree names this repository by commit; name is its path.")
        .page("`true`: the commit's tree names this repository by commit", "`git ls-tree`, `.gitmodules` of the commit", "everything else");
    RESOURCE_ANNOTATIONS_PACKAGES_ABSENT: "ResourceDescriptor.annotations.packagesAbsent" => Row::new(Form::Text, "Why the packages of a lock file are not recorded.")
        .page("of a lock file: its packages are not recorded, and this is the code of why (`input-malformed`, `limit-exceeded`)", "the reader of its format", "they are recorded");
    RESOURCE_ANNOTATIONS_INTEGRITY: "ResourceDescriptor.annotations.integrity" => Row::new(Form::Text, "What a lock file of npm says of a package that no digest can.")
        .page("of a package of npm: the whole of its `integrity`, where that has several digests of one algorithm, of which the package may have any, or an unknown algorithm", "`package-lock.json`", "`digest` says it all");
    RESOURCE_ANNOTATIONS_GIT_TREE: "ResourceDescriptor.annotations.gitTree" => Row::new(Form::GitId("text"), "The commit's tree.")
        .page("of the source: the commit's tree", "`git rev-parse HEAD^{tree}`", "");
    RESOURCE_ANNOTATIONS_NAR_HASH: "ResourceDescriptor.annotations.narHash" => Row::new(Form::Other("text", || json!({ "type": "string", "pattern": "^sha256-[A-Za-z0-9+/]{43}=$" })), "Hash of the NAR, as Nix writes it.")
        .page("SHA-256 of the NAR as Nix writes it, `sha256-BASE64`; see below", "`--materials NAME=nar:PATH`, `flake.lock`", "everything else");
    DIGEST_SHA256: "DigestSet.sha256" => Row::new(Form::Hex(64), "")
        .page("of the bytes; of a commit those of its object, without the header that git hashes before them", "", "");
    DIGEST_SHA384: "DigestSet.sha384" => Row::new(Form::Hex(96), "")
        .page("of the bytes", "", "");
    DIGEST_SHA512: "DigestSet.sha512" => Row::new(Form::Hex(128), "")
        .page("of the bytes", "", "");
    DIGEST_SHA224: "DigestSet.sha224" => Row::new(Form::Hex(56), "")
        .page("of the bytes", "lock files", "");
    DIGEST_SHA1: "DigestSet.sha1" => Row::new(Form::Hex(40), "")
        .page("of the bytes; proves nothing", "lock files", "");
    DIGEST_NAR_SHA256: "DigestSet.narSha256" => Row::new(Form::Hex(64), "")
        .page("of the NAR, as earlier versions wrote it: the annotation `narHash` says the same", "", "written no more");
    DIGEST_GIT_COMMIT: "DigestSet.gitCommit" => Row::new(Form::GitId("40 or 64 hex"), "")
        .page("the commit's object id", "git", "");
    DIGEST_GIT_TREE: "DigestSet.gitTree" => Row::new(Form::GitId("40 or 64 hex"), "")
        .page("a tree's object id", "", "");
    DIGEST_GIT_BLOB: "DigestSet.gitBlob" => Row::new(Form::GitId("40 or 64 hex"), "")
        .page("a blob's object id", "", "");
    DIGEST_GIT_TAG: "DigestSet.gitTag" => Row::new(Form::GitId("40 or 64 hex"), "")
        .page("an annotated tag's object id", "", "");
}
