//! Every cap on untrusted input, in one place. Over a cap is `limit-exceeded`: could not find out, never "none".

/// Nesting of JSON and YAML documents (levels).
pub const JSON_DEPTH: usize = 64;
/// Values of one JSON document. An SBOM of a large image has a million.
pub const JSON_VALUES: usize = 2_000_000;

/// Memory that the tree of a JSON document of `bytes` may take (bytes). `{}` in a list takes fifty times what it has in the
/// document, honest provenance six times.
#[must_use]
pub const fn json_tree(bytes: usize) -> usize {
    (24 << 20) + 6 * bytes
}

/// Memory that all verified predicates of one check may take while it is decided on (bytes).
pub const VERIFIED_BYTES: usize = 24 << 20;
/// A Sigstore bundle, whole (bytes).
pub const BUNDLE_BYTES: usize = 32 << 20;
/// A statement before encoding (bytes): what base64 leaves of a bundle.
pub const STATEMENT_BYTES: usize = 24 << 20;
/// Subjects of one statement; sigstore-go and actions/attest refuse more.
pub const SUBJECTS: usize = 1024;
/// Digests of one resource descriptor; sigstore-go refuses more.
pub const DIGESTS: usize = 32;
/// Resolved dependencies or byproducts of one provenance.
pub const DEPENDENCIES: usize = 100_000;
/// Signatures of one envelope; each costs a verification per key.
pub const SIGNATURES: usize = 16;
/// Transparency log entries of one bundle.
pub const LOG_ENTRIES: usize = 32;
/// Signatures of one checkpoint: the log's and its witnesses'.
pub const COSIGNATURES: usize = 64;
/// A signed note, such as a checkpoint (bytes): 64 cosignatures of 3.3 KB each.
pub const NOTE_BYTES: usize = 256 << 10;
/// A proof of one entry of a log, or a request to a witness: hashes and a checkpoint (bytes).
pub const PROOF_BYTES: usize = 320 << 10;
/// A policy of logs and witnesses (bytes).
pub const LOG_POLICY_BYTES: usize = 1 << 20;
/// Logs, or witnesses and groups, of one such policy.
pub const LOG_POLICY_NAMES: usize = 256;
/// Path of a tile (characters).
pub const TILE_PATH_CHARS: usize = 64;
/// An entry of a public log that is kept beside a checkpoint (bytes): a body of 1 KB, a proof, and a note in JSON.
pub const KEPT_ENTRY_BYTES: usize = 1 << 20;
/// Signed timestamps of one bundle.
pub const TIMESTAMPS: usize = 32;
/// Certificates of one bundle's chain.
pub const CHAIN: usize = 10;
/// An OCI manifest or index (bytes): the distribution specification asks registries for 4 MiB.
pub const MANIFEST_BYTES: usize = 4 << 20;
/// Referrers of one subject that are looked at.
pub const REFERRERS: usize = 1000;
/// Annotations of a descriptor in a remembered listing (bytes): nothing is decided by them, and longer ones are let go of.
pub const REMEMBERED_ANNOTATIONS: usize = 1024;
/// How old a remembered listing may be that is not asked again (seconds).
pub const LISTING_SECONDS: i64 = 300;
/// How old a remembered listing may be on which anything but an Allow rests (seconds).
pub const LISTING_OF_A_NO_SECONDS: i64 = 10;
/// Body of a request to the admission webhook (bytes): objects have up to 3 MiB, and a change carries two.
pub const REVIEW_BYTES: usize = 8 << 20;
/// What `kubectl get -o json` prints of all pods of a cluster (bytes).
pub const SCAN_BYTES: usize = 512 << 20;
/// A file of manifests (bytes, values, documents).
pub const MANIFEST_FILE_BYTES: usize = 32 << 20;
/// Values of a file of manifests.
pub const MANIFEST_FILE_NODES: usize = 1_000_000;
/// Documents of a file of manifests.
pub const MANIFEST_FILE_DOCUMENTS: usize = 10_000;
/// Bodies that the webhook holds at a time, all together (bytes).
pub const REVIEW_BYTES_IN_ALL: usize = 64 << 20;
/// What of a body counts as small, and the room for those of all (bytes): large bodies that are never finished must not keep the usual
/// ones out.
pub const REVIEW_SMALL: [usize; 2] = [256 << 10, 32 << 20];
/// Images of one object that the webhook looks at.
pub const REVIEW_IMAGES: usize = 500;
/// Connections to the webhook at a time.
pub const WEBHOOK_CONNECTIONS: usize = 1024;
/// Message of a denial (bytes).
pub const DENIAL_BYTES: usize = 4 << 10;
/// Warnings of one answer together, and one of them (characters): the API server cuts what is longer.
pub const WARNINGS_CHARS: usize = 4096;
/// One warning (characters).
pub const WARNING_CHARS: usize = 256;
/// How long a decision is remembered that admits, and one that does not (seconds): time is one of its inputs.
pub const DECISION_SECONDS: [i64; 2] = [60, 10];
/// Images that are decided on at a time, whoever asked: what one takes of memory is not freed when nobody waits any more.
pub const DECISIONS_AT_A_TIME: usize = 2000;
/// The same of one registry: one that hangs must not keep those of others out.
pub const DECISIONS_OF_A_REGISTRY: usize = 500;
/// Decisions that are remembered.
pub const DECISIONS: usize = 50_000;
/// Repositories whose registries are kept open.
pub const OPEN_REPOSITORIES: usize = 2000;
/// How long the webhook looks for evidence of one image, whoever still waits for it (seconds).
pub const ADMISSION_SECONDS: u64 = 30;
/// Requests that are sent to one registry at a time by a server.
pub const REGISTRY_REQUESTS: usize = 16;
/// Failures in a row after which a registry is left alone for a while by a server.
pub const REGISTRY_FAILURES: u32 = 5;
/// How long it is left alone the first time, and at most (seconds).
pub const REGISTRY_PAUSE_SECONDS: [u64; 2] = [1, 30];
/// How long it is left alone at most where it asks for it itself (seconds).
pub const REGISTRY_ASKED_PAUSE_SECONDS: u64 = 300;
/// Pages of one referrers listing.
pub const REFERRER_PAGES: usize = 100;
/// Evidence read for one check, of a subject and all that it lists together (bytes).
pub const EVIDENCE_BYTES: usize = 64 << 20;
/// Principals of `people` in a policy: each is compared with every glob among them. Some organisations have thousands.
pub const PRINCIPALS: usize = 5000;
/// Charters, commits and artifacts that verified statements about one subject may name, each of which other statements
/// are tried against. One build has three.
pub const REFERENTS: usize = 64;
/// Pieces of evidence read for one check: a referrer's manifest may name many layers.
pub const EVIDENCE_PIECES: usize = 2000;
/// Requests to a registry that gathering makes for one check. The other limits allow 2,000 pieces with a manifest each, and
/// two listings for each of 257 subjects: 4,514.
pub const EVIDENCE_REQUESTS: usize = 8192;
/// Referrers fetched at once.
pub const PARALLEL_FETCHES: usize = 8;
/// Tags, or entries of a layout, that are looked at for an index that lists an image.
pub const INDEXES: usize = 16;
/// Manifests below one index.
pub const CHILDREN: usize = 256;
/// Manifests of a layout folder that are looked at for what they refer to, together (bytes). Each counts as 4 KiB at least:
/// an `index.json` of the largest size lists 18,000 referrers.
pub const LAYOUT_BYTES: usize = 128 << 20;
/// What is read of BuildKit's attestations to prove that they are no images, for one check (bytes).
pub const UNSIGNED_BYTES: usize = 512 << 20;
/// How many of them are looked at at once: each may have [`BUNDLE_BYTES`].
pub const PARALLEL_PROOFS: usize = 2;
/// Levels of an index inside an index.
pub const INDEX_DEPTH: usize = 4;
/// Redirects of one request.
pub const REDIRECTS: usize = 5;
/// An error body of a registry or token service that is read for its message (bytes).
pub const ERROR_BODY_BYTES: usize = 64 << 10;
/// An answer of a token service (bytes).
pub const TOKEN_BYTES: usize = 1 << 20;
/// A policy file (bytes).
pub const POLICY_BYTES: usize = 1 << 20;
/// Most signers, approvers, logs, authorities or witnesses that a policy may ask for.
pub const POLICY_COUNT: usize = 32;
/// Nodes (scalars, lists, maps) of a policy file.
pub const POLICY_NODES: usize = 100_000;
/// Policies of one folder.
pub const POLICIES: usize = 256;
/// A key file (bytes).
pub const KEY_BYTES: usize = 64 << 10;
/// Keys that one bundle is tried against.
pub const KEYS: usize = 256;
/// scrypt's N of an encrypted private key. cosign writes 2^16 (`log_n` 16) with r = 8: 64 MiB of memory.
pub const SCRYPT_LOG_N: u8 = 17;
/// scrypt's r and p together with N: N x r x p (memory-hard rounds); 2^17 x 8 x 1.
pub const SCRYPT_COST: u64 = (1 << 17) * 8;
/// PBKDF2 iterations of an encrypted PKCS#8 key.
pub const PBKDF2_ITERATIONS: u32 = 10_000_000;
/// A lock file (bytes).
pub const LOCK_FILE_BYTES: usize = 64 << 20;
/// Keys and values of one lock file, in whatever format: 100,000 packages of 30.
pub const LOCK_VALUES: usize = 4_000_000;
/// Keys and values of one package of a lock file, or of all that is no package. While one is read, each takes up to 1 KiB.
pub const LOCK_PIECE_VALUES: usize = 50_000;
/// One package of a lock file, or all that is no package (bytes).
pub const LOCK_PIECE_BYTES: usize = 16 << 20;
/// Any other file captured into a statement, by digest (bytes).
pub const PREDICATE_BYTES: usize = 23 << 20;
/// Subjects named by one checksum file or glob.
pub const INPUT_SUBJECTS: usize = 100_000;
/// A checksum file (bytes).
pub const CHECKSUM_BYTES: usize = 64 << 20;
/// Output of one `git` call that is read (bytes).
pub const GIT_OUTPUT_BYTES: usize = 64 << 20;
/// A commit object that is read for its message and signature (bytes).
pub const COMMIT_BYTES: usize = 1 << 20;
/// Tags at one commit, and submodules of one tree, that are recorded.
pub const GIT_NAMES: usize = 1000;
/// How long a pipe that a shell hands over as a file is waited for, to its end (seconds).
pub const PIPE_SECONDS: u64 = 60;
/// A file or note in which an agent recorded its work, referenced by digest (bytes).
pub const TRAIL_BYTES: usize = 256 << 20;
/// One record of such a file that is looked into (bytes).
pub const TRAIL_RECORD_BYTES: usize = 1 << 20;
/// Transcripts of one checkpoint.
pub const TRANSCRIPTS: usize = 16;
/// Folders above the working folder that an agent's session may belong to.
pub const FOLDERS_ABOVE: usize = 64;
/// Files that are watched while a build step runs.
pub const STEP_FILES: usize = 200_000;
/// Files that a build step wrote whose digests are recorded one by one; the others count in the digest of all.
pub const STEP_FILES_NAMED: usize = 256;
/// What a build step wrote beside its subjects, hashed (bytes).
pub const STEP_FILES_BYTES: u64 = 16 << 30;
/// How long the output of a build step is waited for once it has ended and a process that it left running holds it
/// (seconds).
pub const STEP_OUTPUT_SECONDS: u64 = 2;
/// A file in which programs keep credentials, read for what must not be signed (bytes).
pub const CREDENTIAL_FILE_BYTES: usize = 1 << 20;
/// Things of a repository that git would run or read otherwise and that are named when they are not.
pub const PASSED_OVER: usize = 100;
/// Files whose difference from the commit is hashed for the dirty state.
pub const DIRTY_FILES: usize = 100_000;
/// A file of a checkout, or one that a build step wrote, that is hashed (bytes): a minute's work. Models have less.
pub const CHECKOUT_FILE_BYTES: u64 = 16 << 30;
/// How long all of them are hashed where no other time is given (seconds).
pub const CHECKOUT_SECONDS: u64 = 60;
/// Bundle files below one folder given by `--bundle`.
pub const BUNDLE_FILES: usize = 1000;
/// A string from outside that is shown to a person (characters); longer ones are cut.
pub const SHOWN_CHARS: usize = 512;
/// Links on the way to one file of a checkout; Linux follows as many.
pub const LINKS: usize = 40;
/// Files, links and folders of one tree whose NAR is hashed.
pub const NAR_ENTRIES: usize = 1_000_000;
/// Levels of folders of one tree whose NAR is hashed.
pub const NAR_DEPTH: usize = 128;
/// A charter, container file or project file (bytes).
pub const TEXT_FILE_BYTES: usize = 4 << 20;
/// Labels of an issue; GitHub allows 100.
pub const CHARTER_LABELS: usize = 1000;
/// How long a charter's host is waited for where its snapshot is not required (seconds).
pub const CHARTER_SECONDS: u64 = 10;
/// Charters of one verification that are looked at again.
pub const RECHECKED_CHARTERS: usize = 32;
/// How long one `git` call may take (seconds).
pub const GIT_SECONDS: u64 = 30;
/// After how long a call to git is looked into: whether something stands in its way that is no file (milliseconds).
pub const GIT_SLOW_MILLIS: u64 = 1000;
/// How long that is looked for (seconds).
pub const GIT_LOOK_SECONDS: u64 = 2;
/// Levels of submodules whose state is looked at.
pub const SUBMODULE_DEPTH: usize = 4;
/// A value given by flag, variable or project file (bytes).
pub const VALUE_BYTES: usize = 2048;
/// Bytes of a file of trusted roots.
pub const ROOT_BYTES: usize = 1 << 20;
/// The cache of one TUF repository (bytes).
pub const TUF_CACHE_BYTES: usize = 16 << 20;
/// Files in the cache of one TUF repository.
pub const TUF_CACHE_FILES: usize = 1024;
/// A key or certificate chain of an authority (bytes).
pub const AUTHORITY_BYTES: usize = 64 << 10;
/// Age of a root from which on a person is told to fetch a newer one (days).
pub const ROOT_AGE_DAYS: i64 = 90;
/// Trusted roots that evidence is tried against.
pub const ROOTS: usize = 32;
/// Authorities of one kind in a trusted root.
pub const AUTHORITIES: usize = 256;
/// A program, module or configuration that acts for us, hashed before each use (bytes). Statically linked ones have 100 MiB.
pub const PROGRAM_BYTES: usize = 512 << 20;
/// How long a credential helper may take for one answer (seconds): a person may have to open a keychain.
pub const HELPER_SECONDS: u64 = 60;
/// Output of a credential helper (bytes).
pub const HELPER_OUTPUT_BYTES: usize = 1 << 20;
/// A docker configuration file (bytes).
pub const DOCKER_CONFIG_BYTES: usize = 4 << 20;
/// How long a program that signs may take for one answer (seconds): a person may have to touch a token.
pub const EXEC_SECONDS: u64 = 60;
/// Output of a program that signs (bytes).
pub const EXEC_OUTPUT_BYTES: usize = 1 << 20;
/// The PIN of a token (bytes); longer files are cut.
pub const PIN_BYTES: usize = 1024;
/// An entry of an outbox (bytes): a bundle in base64, and where it goes.
pub const OUTBOX_ENTRY_BYTES: usize = 44 << 20;
/// Entries of one outbox.
pub const OUTBOX_ENTRIES: usize = 1000;
/// An answer of a service that signs or witnesses (bytes): a log entry may hold a whole envelope.
pub const SERVICE_BYTES: usize = 48 << 20;
/// An identity token (bytes).
pub const IDENTITY_TOKEN_BYTES: usize = 64 << 10;
/// A signing configuration (bytes).
pub const SIGNING_CONFIG_BYTES: usize = 1 << 20;
/// Services of one kind that one signature uses.
pub const SERVICES: usize = 8;
/// An answer of a certificate authority (bytes): a chain in PEM.
pub const CHAIN_BYTES: usize = 1 << 20;
/// An answer of a timestamp authority (bytes): with its certificates, a few thousand.
pub const TIMESTAMP_BYTES: usize = 1 << 20;
/// How long a person may take to log in (seconds): a second factor may have to be found.
pub const LOGIN_SECONDS: u64 = 300;
/// How long an issuer may tell a device to pause between two questions (seconds).
pub const DEVICE_INTERVAL_SECONDS: u64 = 60;
/// Head of a request to the address that a browser is sent back to (bytes): a code and what browsers add.
pub const CALLBACK_BYTES: usize = 16 << 10;
/// Connections to that address that are read at once.
pub const CALLBACK_CONNECTIONS: usize = 64;
/// How long one of them may take to ask (seconds).
pub const CALLBACK_SECONDS: u64 = 5;
/// Texts of a list, and names of a map, in one field of a record of the audit log.
pub const RECORD_LIST: usize = 64;
/// What one record of the audit log says, before it is compressed (bytes).
pub const RECORD_BYTES: usize = 64 << 10;
/// Records of one batch of the audit log.
pub const RECORD_BATCH: usize = 65_536;
/// Files in which what others said of an audit log's checkpoints is kept.
pub const ANCHORS: usize = 200_000;
/// The file that says of which logs a witness has cosigned anything (bytes).
pub const WITNESS_MARK_BYTES: usize = 1 << 20;
/// How far the clock of a witness may be from this machine's (seconds): its cosignature is of the time of asking, and none is older
/// than the log.
pub const WITNESS_SKEW_SECONDS: u64 = 300;
/// Records that are handed in through the socket of an audit log at once (bytes).
pub const HANDED_IN_BYTES: usize = 8 << 20;
/// Bytes of all that is handed in just now, received or being written: who comes with more waits before it is read.
pub const HANDED_IN_TOTAL_BYTES: usize = 32 << 20;
/// Up to how many bytes what is handed in does not count there: with all connections, 16 MiB.
pub const HANDED_IN_SMALL_BYTES: usize = 16 << 10;
/// How many of such wait for the one that writes; more wait before they are read.
pub const HANDED_IN_QUEUE: usize = 1024;
/// Connections to that socket. Where one more comes, the one that has let wait longest is closed.
pub const HANDED_IN_CONNECTIONS: usize = 1024;
/// How long one of them may take to hand in what it announced, and may say nothing (seconds).
pub const HANDED_IN_SECONDS: u64 = 30;
/// How long one that hands in may stop on the way (seconds): it holds what others wait for.
pub const HANDED_IN_STALL_SECONDS: u64 = 5;
/// Connections to the HTTP server of an audit log. Where one more comes, the one that has let wait longest is closed.
pub const SERVER_CONNECTIONS: usize = 512;
/// How long such a connection may take to ask, or may ask nothing (seconds).
pub const SERVER_HEAD_SECONDS: u64 = 10;
/// Head of a request to it (bytes).
pub const SERVER_HEAD_BYTES: usize = 16 << 10;
/// How long the rest of a request may take (seconds).
pub const SERVER_SECONDS: u64 = 30;
/// How long a connection may last, its answers included (seconds).
pub const SERVER_CONNECTION_SECONDS: u64 = 300;
/// A request with telemetry (bytes): exporters send some hundred log records or spans at once.
pub const OTLP_BYTES: usize = 4 << 20;
/// Bytes of all such requests that are being received or written: parsed, one takes a multiple of it.
pub const OTLP_TOTAL_BYTES: usize = 8 << 20;
/// Tokens of machines that may hand in telemetry.
pub const SERVER_TOKENS: usize = 1000;
/// The file of these tokens (bytes).
pub const SERVER_TOKENS_BYTES: usize = 1 << 20;
/// Settings of an audit log (bytes).
pub const SETTINGS_BYTES: usize = 64 << 10;
/// A published file of an audit log, a tile or a bundle of 256 entries (bytes).
pub const PUBLISHED_BYTES: usize = 17 << 20;
/// A segment of the audit log's journal (bytes), written in full when it is made; a larger frame has one of its own.
pub const JOURNAL_SEGMENT_BYTES: usize = 8 << 20;
/// The largest segment that is read (bytes).
pub const JOURNAL_FILE_BYTES: usize = 64 << 20;
/// From how many bytes on a batch of records is written, though more are to follow.
pub const JOURNAL_FRAME_BYTES: usize = 16 << 20;
/// What is hashed to find whether a frame stands behind a torn one (bytes); beyond it, it counts as one.
pub const JOURNAL_SEARCH_BYTES: usize = 64 << 20;
/// Segments of a journal.
pub const JOURNAL_SEGMENTS: usize = 1_000_000;
/// Files of contents of one class and day in a replica of an audit log, one for each time that something was copied; versions of a
/// list of a bucket; and checkpoints of a replica.
pub const REPLICA_FILES: usize = 100_000;
/// Values of one field of one execution that are said beside the one that is shown.
pub const ALSO_SAID: usize = 16;
/// A page of a bucket's list of versions (bytes): a thousand of them, and the longest keys.
pub const BUCKET_LIST_BYTES: usize = 4 << 20;
/// How often a bucket is asked that is busy or does not answer.
pub const BUCKET_TRIES: usize = 4;
/// A file that holds a number (bytes).
pub const NUMBER_BYTES: usize = 64;
/// The file of an audit log's keys (bytes).
pub const KEY_STORE_BYTES: usize = 64 << 20;
/// A redaction of the audit log (bytes): its ranges of records among them.
pub const REDACTION_BYTES: usize = 4 << 20;
/// A file of records that is handed in (bytes).
pub const RECORD_FILE_BYTES: usize = 256 << 20;
/// Records that are handed in at once.
pub const RECORDS_AT_ONCE: usize = 1_000_000;
/// What something was built of that is recorded with its attestation; more is counted.
pub const MATERIALS: usize = 16_384;
/// Address and digest of one of these (bytes): 64 of them are one record.
pub const MATERIAL_BYTES: usize = 900;
/// Things that a blast radius follows.
pub const BLAST_NODES: usize = 100_000;
/// The most that may be asked for.
pub const BLAST_MOST_NODES: usize = 5_000_000;
/// Steps from what is asked about: each commit of a history is one.
pub const BLAST_DEPTH: usize = 100_000;
/// Relations for each of the things that are followed.
pub const BLAST_EDGES: usize = 4;
/// Records that a timeline shows unless told, and at most: each is opened.
pub const TIMELINE_ROWS: usize = 1000;
/// The most that may be asked for.
pub const TIMELINE_MOST_ROWS: usize = 1_000_000;
/// Things that a drawing for people holds.
pub const DRAWN_NODES: usize = 500;
/// A line of a session file that is read (bytes); a longer one is counted as lost.
pub const SESSION_LINE_BYTES: usize = 16 << 20;
/// Calls of a session file whose results are waited for.
pub const SESSION_OPEN_CALLS: usize = 4096;
/// Calls of a session file that are known again when a line is repeated.
pub const SESSION_CALLS: usize = 1_000_000;
/// The largest whole number that every reader of JSON keeps (RFC 8785).
pub const EXACT_NUMBER: u64 = 1 << 53;
/// Files of one patch that are recorded one by one.
pub const SESSION_PATCH_FILES: usize = 1000;
/// A file that is kept in a repository beside its history (bytes): sessions of agents are some tens of megabytes.
pub const KEPT_FILE_BYTES: u64 = 48 << 20;
/// Records of one such file.
pub const KEPT_RECORDS: usize = 100_000;
/// Trees that such files are about.
pub const KEPT_JOINS: usize = 1_000_000;
/// Losses of a session file that are recorded one by one.
pub const SESSION_LOSSES: u64 = 64;
/// Records of a session file that are put into the log at once.
pub const SESSION_BATCH: usize = 1000;
/// A list of prices (bytes).
pub const PRICES_BYTES: usize = 256 << 10;
/// Values of it: a map of seven fields for each price.
pub const PRICES_NODES: usize = 8192;
/// Prices of it: each is held against each.
pub const PRICES: usize = 256;
/// The name of a model, or a pattern of names, in it (bytes): those of cloud providers are addresses.
pub const PRICE_MODEL_BYTES: usize = 128;
/// Models that are named for having no price.
pub const UNPRICED_MODELS: usize = 64;
/// Executions that are told apart there.
pub const UNPRICED_EXECUTIONS: usize = 100_000;
/// An event that an agent hands to a hook (bytes): results of tools are a few megabytes at most, as images in base64.
pub const HOOK_BYTES: usize = 8 << 20;
/// How much of an event that is too large or cannot be read is searched for the session that it is of (bytes).
pub const HOOK_HEAD_BYTES: usize = 4096;
/// How long a hook waits for its event (milliseconds): agents write it at once, and are held up meanwhile.
pub const HOOK_MILLISECONDS: u64 = 1000;
/// A spool file, one per session (bytes); what comes beyond it is lost and counted.
pub const SPOOL_BYTES: u64 = 64 << 20;
/// What of spool files is taken in at once (bytes).
pub const SPOOL_READ_BYTES: usize = 4 << 20;
/// Sessions whose events wait in a spool.
pub const SPOOL_SESSIONS: usize = 10_000;
/// The small files of a spool: a path, and how far it was taken in (bytes).
pub const SPOOL_NOTE_BYTES: usize = 8192;
/// After how long without an event all that is under way has arrived or is lost, where no server is told (seconds).
pub const HOOK_QUIET_SECONDS: u64 = 5;
/// The same where one is, which may wait for the log for a while (seconds).
pub const HOOK_SERVER_SECONDS: u64 = 60;
/// After how long without an event a session counts as over, though no event said so (seconds).
pub const HOOK_IDLE_SECONDS: u64 = 3600;
/// Transcripts of agents below an agent, of one session.
pub const SUBAGENTS: usize = 1000;
/// How long what is known of such a session is kept, so that one that is gone on with is counted on (days).
pub const HOOK_KEPT_DAYS: u64 = 30;
/// Settings of an agent (bytes).
pub const AGENT_SETTINGS_BYTES: usize = 4 << 20;
/// Parents of a commit that are recorded: as many as a list has.
pub const COMMIT_PARENTS: usize = 64;
/// Commits, executions, files and answers of one kind that a trace follows.
pub const TRACED: usize = 1000;
/// Actions on one file that a trace of it follows, the last ones.
pub const TRACED_ACTIONS: usize = 100;
/// Records that are read at once where one is asked for, as those beside it are likely to be the next.
pub const READ_TOGETHER: usize = 4096;
/// Commits that one question follows from parent to child, for the merges that brought in what it asks about, over all of its parts.
pub const WALKED: usize = 50_000;
/// Refs of a push that a hook reads on standard input (bytes).
pub const PUSHED_REFS_BYTES: usize = 16 << 20;
/// Lines of a commit's message that are read.
pub const MESSAGE_LINES: usize = 20_000;
/// Trailers of one message.
pub const MESSAGE_TRAILERS: usize = 1000;
/// Sets of the five trailers of one message.
pub const MESSAGE_SETS: usize = 100;
/// Commits that are compared by what they change.
pub const COMPARED_CHANGES: usize = 20_000;
/// Commits that are held against a rule at once.
pub const CHECKED_COMMITS: usize = 100_000;
/// How much of an execution's id has to be typed (characters), where it is not all of it.
pub const ID_PREFIX: usize = 6;
/// Commits of one execution whose approvals are looked for.
pub const APPROVED_TARGETS: usize = 10_000;
/// Rows of an answer in SQL unless told, and at most.
pub const QUERY_ROWS: usize = 10_000;
/// The most rows that may be asked for.
pub const QUERY_MOST_ROWS: usize = 10_000_000;
/// An answer in SQL (bytes), held until it is printed.
pub const QUERY_ANSWER_BYTES: usize = 64 << 20;
/// A value that a question in SQL makes on its way, and the question itself (bytes). Some functions take the square of it in time,
/// and no clock is looked at within one.
pub const QUERY_VALUE_BYTES: usize = 64 << 10;
/// Memory of a question in SQL (bytes): what it sorts must not fill a disk.
pub const QUERY_HEAP_BYTES: usize = 256 << 20;
/// Records on which an answer may rest that is proven: a file for each.
pub const PROVEN_RECORDS: u64 = 10_000;
/// A record as it is handed out, with salts and proofs (bytes): four times what it says at most.
pub const HANDOUT_LINE_BYTES: usize = 4 * RECORD_BYTES;
/// The manifest of what is handed out (bytes).
pub const HANDOUT_MANIFEST_BYTES: usize = 4 << 20;
/// Files of what is handed out.
pub const HANDOUT_FILES: usize = 1000;
/// Anchors that are handed out with records: the last ones.
pub const HANDOUT_ANCHORS: usize = 100;
/// A secret under which pseudonyms are made (bytes).
pub const PSEUDONYM_KEY_BYTES: usize = 4096;
/// Records that are handed out one by one, each with a proof.
pub const HANDOUT_SINGLE: usize = 100_000;
