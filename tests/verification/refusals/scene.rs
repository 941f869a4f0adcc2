//! [`Scene`]: one verification by the real binary, staged from knobs. Untouched, it is allowed.

use crate::refusals::approving::Approved;
use attest::model::envelope::IN_TOTO;
use attest::model::{Descriptor, Digest};
use attest::registry::Registry;
use attest::testing::world::{self, block_on, text};
use attest::testing::{Action, Behaviour, Claim, Image, TestRegistry, World};
use attest::trust::KeyAlgorithm;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// Where the subject and its evidence are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `app`, and beside it `app.sigstore.json`.
    File,
    /// The layout `image`, and in it the referrer.
    Layout,
    /// The repository `acme/app` of a registry, tag `v1`.
    Registry,
}

/// The repository of the registry.
pub(crate) const REPOSITORY: &str = "acme/app";
/// The file's bytes.
pub(crate) const FILE: &[u8] = b"the artifact";

/// What is about to be verified.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) place: Place,
    pub(crate) image: Image,
    pub(crate) claim: Claim,
    /// Whether there is evidence at all.
    pub(crate) attested: bool,
    /// Whether the key that nobody trusts signs.
    pub(crate) other_signs: bool,
    /// The envelope's payload type.
    pub(crate) payload_type: &'static str,
    /// Changes the statement's bytes before they are signed.
    pub(crate) statement: Option<fn(String) -> String>,
    /// Changes the bundle after it was signed.
    pub(crate) bundle: Option<fn(&World, Vec<u8>) -> Vec<u8>>,
    /// A second statement, by the trusted key.
    pub(crate) second: Option<Claim>,
    /// Whether `--key` names the trusted key.
    pub(crate) key_flag: bool,
    pub(crate) policies: Vec<Value>,
    pub(crate) flags: Vec<String>,
    pub(crate) env: Vec<(&'static str, String)>,
    pub(crate) behaviour: Behaviour,
    /// Whether the subject is named by tag (or, of a layout, by nothing).
    pub(crate) by_tag: bool,
    /// Who approved what; then everything is logged.
    pub(crate) approved: Option<Approved>,
    late: Vec<Box<dyn FnOnce(&mut Staged)>>,
}

/// What was staged.
pub(crate) struct Staged {
    pub(crate) world: World,
    pub(crate) registry: Option<TestRegistry>,
    /// The layout's folder, or the file.
    pub(crate) path: PathBuf,
    pub(crate) image: Image,
    /// The evidence, and the referrers that hold it.
    pub(crate) bundles: Vec<Vec<u8>>,
    pub(crate) referrers: Vec<Digest>,
    /// Arguments after `verify`.
    pub(crate) arguments: Vec<String>,
    env: Vec<(&'static str, String)>,
}

/// What the binary answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) exit: i32,
    pub(crate) code: String,
    pub(crate) json: Value,
    /// For people who read a failure.
    #[expect(dead_code, reason = "shown by Debug")]
    stderr: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            world: World::new(KeyAlgorithm::EcdsaP256),
            place: Place::File,
            image: Image::of(b"a layer"),
            claim: Claim::about(&Digest::sha256(FILE)),
            attested: true,
            other_signs: false,
            payload_type: IN_TOTO,
            statement: None,
            bundle: None,
            second: None,
            key_flag: true,
            policies: Vec::new(),
            flags: Vec::new(),
            env: Vec::new(),
            behaviour: Behaviour::default(),
            by_tag: false,
            approved: None,
            late: Vec::new(),
        }
    }

    /// The subject is elsewhere: the claim is made about it.
    pub(crate) fn at(&mut self, place: Place) {
        self.place = place;
        let digest = if place == Place::File { Digest::sha256(FILE) } else { self.image.digest() };
        self.claim.subjects = vec![world::subject("app", &digest)];
    }

    pub(crate) fn flag(&mut self, flags: &[&str]) {
        self.flags.extend(flags.iter().map(|f| (*f).to_owned()));
    }

    /// Trusts the key by a policy instead of by flag.
    pub(crate) fn by_policy(&mut self) {
        self.key_flag = false;
        let key = self.world.key.public_key().to_pem();
        self.policies.push(policy(&key));
    }

    /// The spec of the first policy.
    pub(crate) fn spec(&mut self) -> &mut Value {
        &mut self.policies[0]["spec"]
    }

    /// The first requirement of the first policy.
    pub(crate) fn require(&mut self) -> &mut Value {
        &mut self.policies[0]["spec"]["require"][0]
    }

    /// Its first signer.
    pub(crate) fn signer(&mut self) -> &mut Value {
        &mut self.policies[0]["spec"]["require"][0]["signers"][0]
    }

    /// Does something to what was staged, before the binary runs.
    pub(crate) fn then(&mut self, change: impl FnOnce(&mut Staged) + 'static) {
        self.late.push(Box::new(change));
    }

    fn sign(&self, claim: &Claim, spoil: bool) -> Vec<u8> {
        let key = if self.other_signs && spoil { &self.world.other } else { &self.world.key };
        let mut statement = claim.to_bytes();
        if let Some(change) = self.statement.filter(|_| spoil) {
            statement = change(String::from_utf8(statement).unwrap()).into_bytes();
        }
        if let Some(approved) = &self.approved {
            return approved.provenance(key, &statement);
        }
        let bundle = world::sign_unchecked(key, if spoil { self.payload_type } else { IN_TOTO }, &statement);
        match self.bundle.filter(|_| spoil) {
            Some(change) => change(&self.world, bundle),
            None => bundle,
        }
    }

    /// Stages everything.
    pub(crate) fn stage(self) -> Staged {
        let (approvals, root) = match &self.approved {
            Some(approved) => (approved.bundles(&self), Some(approved.instance.borrow().root())),
            None => (Vec::new(), None),
        };
        let bundles: Vec<_> = (self.attested.then(|| self.sign(&self.claim, true)))
            .into_iter()
            .chain(self.second.as_ref().map(|c| self.sign(c, false)))
            .chain(approvals)
            .collect();
        let (world, image) = (self.world, self.image);
        let mut arguments = Vec::new();
        let (mut referrers, mut registry) = (Vec::new(), None);
        let digest = image.digest();
        let path = match self.place {
            Place::File => {
                let path = world.write("app", FILE);
                if !bundles.is_empty() {
                    world.write("app.sigstore.json", bundles.join(&b'\n'));
                }
                arguments.push(text(&path));
                path
            }
            Place::Layout => {
                let layout = world.layout("image", &image);
                referrers.extend(bundles.iter().map(|b| put(&layout, &image.descriptor(), b)));
                let path = world.path("image");
                let pin = if self.by_tag { String::new() } else { format!("@{digest}") };
                arguments.push(format!("oci:{}{pin}", text(&path)));
                path
            }
            Place::Registry => {
                let server = TestRegistry::start(self.behaviour);
                let memory = image.in_memory();
                server.load(REPOSITORY, Some("v1"), &memory, &digest);
                for b in &bundles {
                    let referrer = put(&memory, &image.descriptor(), b);
                    server.load(REPOSITORY, None, &memory, &referrer);
                    referrers.push(referrer);
                }
                let name = server.name(REPOSITORY);
                arguments.push(if self.by_tag { format!("{name}:v1") } else { format!("{name}@{digest}") });
                registry = Some(server);
                world.path("nothing")
            }
        };
        let key = world.write("attest.pub", world.key.public_key().to_pem());
        if self.key_flag {
            arguments.extend(["--key".into(), text(&key)]);
        }
        if let Some(root) = root {
            arguments.extend(["--trusted-root".into(), text(&world.write("root.json", root.to_string()))]);
        }
        for (i, policy) in self.policies.iter().enumerate() {
            let path = world.write(&format!("policies/{i}.yaml"), policy.to_string());
            arguments.extend(["--policy".into(), text(&path)]);
        }
        arguments.extend(self.flags);
        let mut staged = Staged { world, registry, path, image, bundles, referrers, arguments, env: self.env };
        for change in self.late {
            change(&mut staged);
        }
        staged
    }

    /// Stages everything and asks.
    pub(crate) fn answer(self) -> Answer {
        self.stage().verify()
    }
}

impl Staged {
    /// A registry as it should be.
    pub(crate) fn server(&self) -> &TestRegistry {
        self.registry.as_ref().expect("a registry")
    }

    /// Another referrer of the image, whatever it holds.
    pub(crate) fn refer(&self, bundle: &[u8]) -> Digest {
        let memory = self.image.in_memory();
        let referrer = put(&memory, &self.image.descriptor(), bundle);
        self.server().load(REPOSITORY, None, &memory, &referrer);
        referrer
    }

    /// Sets a variable of the binary's environment.
    pub(crate) fn set(&mut self, variable: &'static str, value: String) {
        self.env.push((variable, value));
    }

    /// A file among the layout's blobs.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.path.join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    /// Runs `attest verify` on it, with nothing of this process's environment.
    pub(crate) fn verify(&self) -> Answer {
        let mut command = attest(&self.world);
        command.arg("verify").args(&self.arguments).args(["--format", "json", "--timeout", "5s"]);
        command.envs(self.env.iter().map(|(k, v)| (*k, v)));
        Answer::of(&command.output().expect("the binary runs"))
    }
}

impl Answer {
    fn of(output: &std::process::Output) -> Self {
        let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        Self {
            exit: output.status.code().unwrap_or(-1),
            code: json["code"].as_str().unwrap_or_default().to_owned(),
            json,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The real binary in a world, with nothing of this process's environment.
pub(crate) fn attest(world: &World) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attest"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", world.path("home")).current_dir(world.path(""));
    command
}

/// A policy that trusts one key for every subject.
pub(crate) fn policy(key: &str) -> Value {
    json!({
        "apiVersion": "agent-attest.github.io/v1",
        "kind": "AttestationPolicy",
        "metadata": { "name": "test" },
        "spec": { "images": [{ "glob": "**" }], "require": [{ "signers": [{ "key": key }] }] },
    })
}

/// Attaches as the product does, and by hand what the product refuses to attach.
fn put(to: &dyn Registry, subject: &Descriptor, bundle: &[u8]) -> Digest {
    if let Ok(referrer) = world::attach(to, &subject.digest, bundle) {
        return referrer;
    }
    let manifest = world::referrer(Some(subject), bundle);
    put_manifest(to, &manifest, bundle)
}

/// Stores a referrer's manifest and its blobs.
pub(crate) fn put_manifest(to: &dyn Registry, manifest: &[u8], bundle: &[u8]) -> Digest {
    let descriptor = Descriptor::of(attest::model::oci::IMAGE_MANIFEST, manifest);
    block_on(async {
        to.push_blob(&Digest::sha256(b"{}"), b"{}").await?;
        to.push_blob(&Digest::sha256(bundle), bundle).await?;
        to.push_manifest(&descriptor, manifest).await
    })
    .expect("a repository that takes a referrer");
    descriptor.digest
}

/// The answer of a registry that serves this image's manifest.
pub(crate) fn served(image: &Image) -> Action {
    let headers = [
        ("content-type", attest::model::oci::IMAGE_MANIFEST.to_owned()),
        ("docker-content-digest", image.digest().to_string()),
    ];
    Action::Answer {
        status: 200,
        headers: headers.map(|(k, v)| (k.to_owned(), v)).to_vec(),
        body: image.manifest.clone(),
    }
}
