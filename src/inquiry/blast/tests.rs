use super::*;
use crate::record::Known;

/// A record with its fields as `name=value`, each declared; a value behind `w:` is witnessed, behind `r:` derived.
struct Record(u64, &'static str, &'static [&'static str]);

impl Record {
    fn get(&self, name: &str) -> Option<&'static str> {
        let value = self.2.iter().find_map(|text| text.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.strip_prefix("w:").or_else(|| value.strip_prefix("r:")).unwrap_or(value))
    }

    /// What an index has beside the fields themselves.
    fn column(&self, name: &str) -> Option<&'static str> {
        match name {
            "artifact_ref" => self.get("target").or_else(|| self.get("digest")).or_else(|| self.get("subject")),
            "name" => self.get("agent").map(|agent| agent.rsplit('/').next().unwrap()),
            "timestamp" => Some(self.get("at").unwrap_or("2026-01-01T00:00:00Z")),
            name => self.get(name),
        }
    }

    fn known(&self) -> String {
        let of = |text: &&str| {
            let (name, value) = text.split_once('=').unwrap();
            let letter = value.strip_prefix("w:").map(|_| 'w').or_else(|| value.strip_prefix("r:").map(|_| 'r'))?;
            Some(format!("{name}={letter}"))
        };
        self.2.iter().filter_map(of).collect::<Vec<_>>().join(",")
    }
}

const BOUNDS: Bounds = Bounds { nodes: 1000, edges: 4000, depth: 64 };

fn radius(start: &Start, bounds: Bounds, records: &[Record]) -> Radius {
    let mut blast = Blast::of(start, bounds);
    while let Some(ask) = blast.ask() {
        let shape = ask.step.shape();
        let all = [String::new()];
        let values = if ask.values.is_empty() { &all[..] } else { &ask.values };
        for (at, value) in values.iter().enumerate() {
            let fits = |record: &&Record| {
                let is = record.column(shape.column).is_some_and(|text| {
                    text.split_whitespace()
                        .any(|part| (part == value) || (shape.begins && part.starts_with(value.as_str())))
                });
                (ask.values.is_empty() || is)
                    && (shape.kinds.is_empty() || shape.kinds.contains(&record.1))
                    && shape.some.iter().all(|name| record.column(name).is_some())
                    && shape.none.iter().all(|name| record.column(name).is_none())
            };
            for record in records.iter().filter(fits) {
                let cells: Vec<_> = shape.wants.iter().map(|name| record.column(name).map(str::to_owned)).collect();
                let (known, wants) = (record.known(), shape.wants);
                let time = record.column("timestamp");
                blast
                    .take(at, &Row { number: record.0, kind: record.1, at: time, known: &known, wants, cells: &cells });
            }
        }
    }
    blast.end()
}

/// `execution e <- agent s/a (run of d 1)` for each thing that was reached.
fn lines(radius: &Radius) -> Vec<String> {
    let ways = radius.ways();
    let of = |(at, node): (usize, &Node)| {
        let edge = ways[at].unwrap();
        let (from, known) = (&radius.nodes[edge.from].name, char::from(edge.known as u8));
        let later = if node.later { "later " } else { "" };
        format!("{later}{} {} <- {} {from} {known} {}", node.thing.name(), node.name, edge.relation.back(), edge.record)
    };
    radius.reached().map(of).collect()
}

const WORK: &[Record] = &[
    Record(
        1,
        "execution_started",
        &["execution_id=e", "agent=s/a", "credentials=NPM:publish NPM", "at=2026-01-01T10:00:00Z"],
    ),
    Record(2, "action", &["execution_id=w:e", "action_type=w:commit", "target=w:commit:c1", "repository=r1"]),
    Record(3, "action", &["execution_id=w:e", "action_type=pr_create", "target=acme/app#7"]),
    Record(4, "action", &["action_type=commit", "target=commit:c2", "base_commit=c1", "head_commit=c2"]),
    Record(5, "attested", &["subject=ghcr.io/acme/app", "digest=sha256:a1", "commit=c2", "statement=s1"]),
    Record(6, "admitted", &["subject=ghcr.io/acme/app", "digest=sha256:a1", "namespace=prod", "verdict=allow"]),
    Record(7, "admitted", &["subject=ghcr.io/acme/app", "digest=sha256:a1", "namespace=dev", "verdict=deny"]),
    Record(8, "execution_ended", &["execution_id=e", "status=failed"]),
    Record(9, "action", &["execution_id=other", "action_type=commit", "target=commit:c9"]),
    Record(10, "loss", &["execution_id=e", "lost=17"]),
];

#[test]
fn everything_forward_is_found_with_the_record_that_says_so() {
    let found = radius(&Start::Agent("s/a".into()), BOUNDS, WORK);
    let expected = [
        "execution e <- run of agent s/a d 1",
        "commit c1 <- made by e w 2",
        "pull request acme/app#7 <- opened by e d 3",
        "later commit c2 <- builds on c1 d 4",
        "artifact sha256:a1 <- built of c2 d 5",
        "admission allow in prod of sha256:a1 <- asked for sha256:a1 d 6",
        "admission deny in dev of sha256:a1 <- asked for sha256:a1 d 7",
    ];
    assert_eq!(lines(&found), expected);
    let total = found.total();
    assert_eq!((total.executions, total.commits, total.later, total.pull_requests), (1, 1, 1, 1));
    assert_eq!((total.images, total.files, total.admitted, total.refused), (1, 0, 1, 0), "{total:?}");
    assert_eq!((found.nodes[1].about.as_deref(), found.nodes[1].state.as_deref()), (Some("s/a"), Some("failed")));
    assert_eq!((found.lost, found.cut.is_some(), found.unplaced), (17, false, 0));
    assert_eq!(lines(&radius(&Start::Agent("a".into()), BOUNDS, WORK))[1..], expected[1..], "by its name alone");
    assert_eq!(lines(&radius(&Start::Execution("e".into()), BOUNDS, WORK)), expected[1..]);
    assert_eq!(lines(&radius(&Start::Commit("c2".into()), BOUNDS, WORK)), expected[4..]);
    assert_eq!(lines(&radius(&Start::Artifact("sha256:a1".into()), BOUNDS, WORK)), expected[5..]);
    assert!(radius(&Start::Agent("s/b".into()), BOUNDS, WORK).is_empty());
    assert!(radius(&Start::Commit("c0".into()), BOUNDS, WORK).is_empty());
}

#[test]
fn a_relation_is_known_as_well_as_the_worst_of_what_it_rests_upon() {
    let known = |fields: &'static [&'static str]| {
        let record = Record(1, "action", fields);
        radius(&Start::Execution("e".into()), BOUNDS, &[record]).edges[0].known
    };
    assert_eq!(known(&["execution_id=w:e", "action_type=commit", "target=w:commit:c"]), Known::Witnessed);
    assert_eq!(known(&["execution_id=e", "action_type=commit", "target=w:commit:c"]), Known::Declared);
    assert_eq!(known(&["execution_id=w:e", "action_type=commit", "target=commit:c"]), Known::Declared);
    assert_eq!(known(&["execution_id=r:e", "action_type=commit", "target=w:commit:c"]), Known::Derived);
}

#[test]
fn what_several_say_is_known_as_the_best_of_them_knows_it() {
    let records = [
        Record(1, "action", &["execution_id=e", "action_type=commit", "target=commit:c"]),
        Record(2, "action", &["execution_id=w:e", "action_type=commit", "target=w:commit:c"]),
        Record(3, "action", &["execution_id=e", "action_type=commit", "target=commit:c"]),
    ];
    assert_eq!(lines(&radius(&Start::Execution("e".into()), BOUNDS, &records)), ["commit c <- made by e w 2"]);
}

#[test]
fn who_used_a_credential_is_told_from_who_could_have() {
    let records = [
        Record(1, "execution_started", &["execution_id=e", "credentials=NPM"]),
        Record(2, "action", &["execution_id=w:e", "action_type=command_run", "credentials=w:NPM"]),
        Record(3, "execution_started", &["execution_id=f", "credentials=NPM"]),
        Record(4, "action", &["action_type=command_run", "credentials=NPM"]),
    ];
    let found = radius(&Start::Credential("NPM".into()), BOUNDS, &records);
    let total = found.total();
    assert_eq!((total.executions, total.used, total.used_witnessed, found.unplaced), (2, 1, 1, 1));
    assert_eq!(lines(&found), ["execution e <- used credential NPM w 2", "execution f <- held credential NPM d 3"]);
}

#[test]
fn a_session_is_what_its_execution_is_and_that_is_derived() {
    let records = [
        Record(1, "action", &["session_id=w:x", "agent=w:s/a", "action_type=file_modify"]),
        Record(2, "action", &["session_id=x", "execution_id=e", "action_type=file_read"]),
        Record(3, "action", &["session_id=x", "action_type=commit", "target=commit:c"]),
        Record(4, "action", &["session_id=y", "agent=s/a", "action_type=commit", "target=commit:d"]),
    ];
    let found = lines(&radius(&Start::Agent("s/a".into()), BOUNDS, &records));
    let expected = [
        "session y <- run of agent s/a d 4",
        "execution e <- run of agent s/a r 1",
        "commit c <- made by e r 3",
        "commit d <- made by y d 4",
    ];
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    assert_eq!(sorted(found), sorted(expected.map(str::to_owned).to_vec()));
}

#[test]
fn a_dependency_is_followed_through_what_is_built_on_what_was_built_of_it() {
    let records = [
        Record(1, "attested", &["subject=lib", "digest=sha256:1", "statement=w:s1"]),
        Record(2, "materials", &["statement=w:s1", "materials=pkg:npm/x"]),
        Record(3, "attested", &["subject=ghcr.io/a/app", "digest=w:sha256:2", "statement=w:s2"]),
        Record(4, "materials", &["statement=w:s2", "base_image=sha256:1"]),
        Record(5, "execution_started", &["execution_id=e", "container=sha256:2"]),
        Record(6, "attested", &["subject=other", "digest=sha256:3", "statement=s3"]),
        Record(7, "materials", &["statement=s3", "materials=pkg:npm/y"]),
    ];
    let found = radius(&Start::Dependency("pkg:npm/x".into()), BOUNDS, &records);
    let expected = [
        "artifact sha256:1 <- built of dependency pkg:npm/x d 2",
        "artifact sha256:2 <- built on sha256:1 d 4",
        "execution e <- ran in sha256:2 d 5",
    ];
    assert_eq!(lines(&found), expected);
    let image = radius(&Start::BaseImage("sha256:1".into()), BOUNDS, &records);
    assert_eq!(lines(&image)[0], "artifact sha256:2 <- built on base image sha256:1 d 4");
}

#[test]
fn what_was_not_followed_is_said() {
    let few = |bounds| radius(&Start::Agent("s/a".into()), bounds, WORK);
    let depth = few(Bounds { depth: 1, ..BOUNDS });
    assert_eq!((depth.reached().count(), depth.cut.deep), (1, 1));
    let nodes = few(Bounds { nodes: 3, ..BOUNDS });
    assert_eq!((nodes.nodes.len(), nodes.cut.nodes), (3, true));
    let edges = few(Bounds { edges: 1, ..BOUNDS });
    assert_eq!((edges.edges.len(), edges.cut.edges), (1, 6));
    assert!(!few(Bounds { nodes: 8, edges: 7, depth: 5 }).cut.is_some(), "the twin: just enough");
}

#[test]
fn a_commit_that_is_named_by_its_beginning_leads_on_from_its_whole_id() {
    let records = [
        Record(1, "action", &["execution_id=e", "action_type=commit", "target=commit:abcdef0"]),
        Record(2, "action", &["action_type=commit", "target=commit:abcdef0123456789abcdef0123456789abcdef01"]),
        Record(
            3,
            "attested",
            &["subject=app", "digest=sha256:1", "commit=abcdef0123456789abcdef0123456789abcdef01", "statement=s"],
        ),
    ];
    let found = radius(&Start::Execution("e".into()), BOUNDS, &records);
    let expected = [
        "commit abcdef0 <- made by e d 1",
        "commit abcdef0123456789abcdef0123456789abcdef01 <- is abcdef0 r 2",
        "artifact sha256:1 <- built of abcdef0123456789abcdef0123456789abcdef01 d 3",
    ];
    assert_eq!(lines(&found), expected);
    assert_eq!(found.total().commits, 1, "one commit under two names");
}

#[test]
fn a_circle_ends() {
    let records = [
        Record(1, "action", &["action_type=commit", "target=commit:a", "base_commit=b"]),
        Record(2, "action", &["action_type=commit", "target=commit:b", "base_commit=a"]),
    ];
    assert_eq!(lines(&radius(&Start::Commit("a".into()), BOUNDS, &records)), ["later commit b <- builds on a d 2"]);
}
