//! Who counts, and who does not: each refusal beside a twin that counts.

use super::super::event::tests::event;
use super::*;

const ID: &str = "4444444aaaabbbbccccddddeeeeffff000011112";

fn made(said: &[&str]) -> Event {
    let target = format!("target=commit:{ID}");
    event(1, "action", &[&["action_type=commit", target.as_str()][..], said].concat())
}

fn approval(number: u64, who: &str, more: &[&str]) -> Event {
    let (target, approver) = (format!("target=commit:{ID}"), format!("approver={who}"));
    let own: Vec<&str> = match more.iter().any(|said| said.starts_with("target=")) {
        true => vec![approver.as_str()],
        false => vec![target.as_str(), approver.as_str()],
    };
    event(number, "approval", &[&own[..], more].concat())
}

fn of(events: &[Event]) -> Commit<'_> {
    Commit { id: ID, events, ..Commit::default() }
}

fn said(commit: &Commit<'_>) -> (Vec<String>, Vec<String>) {
    let found = approved(commit);
    let one = |v: &Voice| format!("{} {}", v.who.as_deref().unwrap_or("?"), v.not.as_deref().unwrap_or("yes"));
    (found.counted.iter().map(one).collect(), found.not_counted.iter().map(one).collect())
}

/// Of a commit by `github:1`.
fn verdict(approvals: &[Event]) -> (Vec<String>, Vec<String>) {
    let events: Vec<Event> = [made(&["author=github:1"])].into_iter().chain(approvals.to_vec()).collect();
    said(&of(&events))
}

fn strings(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|one| (*one).to_owned()).collect()
}

#[test]
fn who_made_or_asked_or_took_it_back_does_not_count() {
    let agent = event(9, "action", &["action_type=pr_approve", "target=commit:4444444", "agent=s/reviewer"]);
    let events = [
        made(&["author=github:1", "committer=github:6"]),
        approval(2, "github:1", &[]),
        approval(3, "github:2", &[]),
        approval(4, "github:3", &[]),
        approval(5, "github:4", &["result=dismissed"]),
        approval(6, "github:6", &[]),
        agent,
        event(10, "action", &["action_type=pr_approve", &format!("target=commit:{ID}")]),
    ];
    let (counted, not) = said(&Commit { requested_by: strings(&["github:2"]), ..of(&events) });
    assert_eq!(counted, ["github:3 yes"]);
    let expected = [
        "github:1 made it",
        "github:2 asked for it",
        "github:4 dismissed",
        "github:6 made it",
        "s/reviewer an agent, and no person",
        "(nobody is named) an agent, and no person",
    ];
    assert_eq!(not, expected);
    assert_eq!(verdict(&[]), (vec![], vec![]), "nobody");
    let hooked = event(1, "action", &["action_type=commit", "target=commit:4444444", "author=github:3"]);
    let events = [made(&["author=github:1"]), hooked, approval(3, "github:3", &[])];
    assert_eq!(said(&of(&events)).1, ["github:3 made it"], "by the beginning of its id, too");
}

#[test]
fn where_it_cannot_be_read_who_made_or_asked_for_it_nobody_counts() {
    let other = approval(2, "github:3", &[]);
    let known = [made(&["author=github:1"]), other.clone()];
    let whole = approved(&of(&known));
    assert_eq!((whole.counted.len(), whole.is_recorded, whole.unread.len()), (1, true, 0), "the twin");
    // The person who made it was erased.
    let mut erased = made(&[]);
    for field in ["author", "committer"] {
        erased.erased = vec![field.into()];
        let events = [erased.clone(), other.clone()];
        let found = approved(&of(&events));
        assert_eq!((found.counted.len(), found.unread.as_slice()), (0, &[MAKER_UNREAD][..]), "{field}");
        assert_eq!(found.not_counted[0].not.as_deref(), Some("who made it or asked for it cannot be read"));
    }
    // Its record is gone, or may be.
    let alone = [other.clone()];
    let gone = approved(&Commit { makers_unread: true, ..of(&alone) });
    assert_eq!((gone.counted.len(), gone.unread.as_slice(), gone.is_recorded), (0, &[MAKER_UNREAD][..], true));
    let kept = approved(&Commit { makers_unread: true, ..of(&known) });
    assert_eq!((kept.counted.len(), kept.unread.len()), (1, 0), "records of others are nothing to this one");
    // There never was one: nothing is lost, and nobody is known.
    let never = approved(&of(&alone));
    assert_eq!((never.counted.len(), never.unread.len(), never.is_recorded), (0, 0, false));
    assert_eq!(never.not_counted[0].not.as_deref(), Some("who made it is not known"));
    let nameless = [made(&[]), other.clone()];
    assert!(!approved(&of(&nameless)).is_recorded, "a record that names nobody");
    let by_agent = [made(&["agent=s/a"]), other];
    assert_eq!(approved(&of(&by_agent)).counted.len(), 1, "an agent made it");
    // Who asked for it.
    let asked = approved(&Commit { requesters_unread: true, ..of(&known) });
    assert_eq!((asked.counted.len(), asked.unread.as_slice()), (0, &[REQUESTER_UNREAD][..]));
}

#[test]
fn an_approver_who_was_erased_is_nobody() {
    let mut erased = approval(2, "github:3", &[]);
    erased.said.retain(|cell| cell.name != "approver");
    erased.erased = vec!["approver".into()];
    assert_eq!(verdict(&[erased.clone()]), (vec![], vec!["? who it was is erased".into()]));
    // And one who says no may be anybody.
    let no = event(3, "approval", &["result=dismissed"]);
    let yes = approval(2, "github:3", &[]);
    assert_eq!(verdict(&[yes.clone(), no]).1, ["github:3 dismissed in record 3", "? dismissed"]);
    assert_eq!(
        verdict(&[yes, Event { number: 3, ..erased }]).0,
        ["github:3 yes"],
        "the twin: a yes takes nothing back"
    );
}

#[test]
fn the_last_word_of_an_approver_decides() {
    let word = |number, result: &str| approval(number, "github:3", &["approval_id=r1", &format!("result={result}")]);
    assert_eq!(verdict(&[word(2, "approved"), word(3, "dismissed")]).0, [""; 0]);
    assert_eq!(verdict(&[word(2, "dismissed"), word(3, "approved")]).0, ["github:3 yes"]);
    assert_eq!(verdict(&[word(2, "approved"), word(3, "dismissed"), word(4, "APPROVED")]).0.len(), 2);
    let spelled = approval(3, "GitHub:03", &["result=Dismissed"]);
    assert_eq!(verdict(&[word(2, "ok"), spelled]).1[0], "github:3 dismissed in record 3", "under another spelling");
    let other = approval(3, "github:3", &["approval_id=r2", "result=dismissed"]);
    assert_eq!(verdict(&[word(2, "ok"), other]).0, ["github:3 yes"], "of another approval");
    let another = approval(3, "github:4", &["approval_id=r1", "result=dismissed"]);
    assert_eq!(verdict(&[word(2, "ok"), another]).0, ["github:3 yes"], "of another person");
    let short = approval(3, "github:3", &["target=commit:4444444", "result=dismissed"]);
    assert_eq!(verdict(&[word(2, "ok"), short]).0, [""; 0], "a no is one however it names the commit");
}

#[test]
fn only_what_is_a_yes_is_one() {
    let of = |result: &str| verdict(&[approval(2, "github:3", &[&format!("result={result}")])]);
    for yes in ["approved", "APPROVED", "approve", "Success", "ok", ""] {
        assert_eq!(of(yes).0, ["github:3 yes"], "{yes}");
    }
    for no in ["dismissed", "CHANGES_REQUESTED", "commented", "pending", "rejected", "superseded", "not approved"] {
        let expected = format!("github:3 {}", no.to_lowercase());
        assert_eq!(of(no), (vec![], vec![expected]));
    }
}

#[test]
fn an_agent_is_nobody_however_it_comes() {
    for (approver, more) in [
        ("mailto:noreply@anthropic.com", &["how=merge"][..]),
        ("github:198982749", &[]),
        ("eng/reviewer", &[]),
        ("github:2", &["agent=eng/reviewer"]),
    ] {
        let (counted, not) = verdict(&[approval(2, approver, more)]);
        assert!(counted.is_empty() && not[0].contains("an agent"), "{not:?}");
    }
    assert_eq!(verdict(&[approval(2, "github:2", &[])]).0, ["github:2 yes"], "the twin");
    let events = [made(&["author=github:1"]), approval(2, "reviewer", &[])];
    assert_eq!(said(&of(&events)).0, ["reviewer yes"]);
    assert!(said(&Commit { agents: strings(&["reviewer"]), ..of(&events) }).0.is_empty(), "by another record");
}

#[test]
fn who_signed_the_provenance_does_not_approve_it() {
    let signed = approval(2, "github:3", &["how=signed", "signer=key:sha256:ab"]);
    let bare = approval(3, "key:sha256:ab", &["how=signed"]);
    let events = [made(&["author=github:1"]), signed, bare];
    let by = |signer: &str| said(&Commit { signers: strings(&[signer]), ..of(&events) }).0.len();
    assert_eq!((by("sha256:ab"), by("key:sha256:AB"), by("sha256:cd")), (0, 0, 2));
}

#[test]
fn a_person_under_two_spellings_is_one() {
    let events = |author: &str, approver: &str| [made(&[&format!("author={author}")]), approval(2, approver, &[])];
    for (author, approver) in [
        ("github:583231", "github:0583231"),
        ("mailto:alice@example.com", "MAILTO:Alice@Example.com "),
        ("mailto:583231+alice@users.noreply.github.com", "github:583231"),
    ] {
        assert_eq!(said(&of(&events(author, approver))).1.len(), 1, "{author} {approver}");
    }
    assert_eq!(said(&of(&events("github:583231", "github:583232"))).0.len(), 1, "the twin");
    let by_seven = events("github:1", "github:07");
    assert!(said(&Commit { requested_by: strings(&["GitHub:7"]), ..of(&by_seven) }).0.is_empty());
}

#[test]
fn a_merge_lets_in_what_it_brought() {
    let merge = approval(2, "github:2", &["how=merge", "target=commit:def"]);
    let events = [made(&["author=github:1"]), merge];
    let with = |brought: Brought| approved(&Commit { merges: BTreeMap::from([(2, brought)]), ..of(&events) });
    assert_eq!(with(Brought::It(None)).counted.len(), 1);
    for (brought, unread) in
        [(Brought::It(Some("s/a".into())), 0), (Brought::Nothing, 0), (Brought::Unrecorded, 0), (Brought::Unread, 1)]
    {
        let found = with(brought.clone());
        assert_eq!((found.counted.len(), found.unread.len()), (0, unread), "{brought:?}");
    }
    let own = [made(&["author=github:2"]), events[1].clone()];
    assert!(approved(&Commit { merges: BTreeMap::from([(2, Brought::It(None))]), ..of(&own) }).counted.is_empty());
}

#[test]
fn an_approval_counts_for_the_commit_that_it_names_whole_and_for_no_other() {
    for (target, why) in [
        ("commit:4444444", "`commit:4444444` is not its whole id"),
        ("acme/app#57", "`acme/app#57` is not its whole id"),
        ("commit:ffffffff", "`commit:ffffffff` is not its whole id"),
    ] {
        let one = approval(2, "github:3", &[&format!("target={target}")]);
        assert_eq!(verdict(&[one]), (vec![], vec![format!("github:3 {why}")]));
    }
    let events = [made(&["author=github:1"]), approval(2, "github:3", &["target=acme/app#57"])];
    let by_id = BTreeSet::from([2]);
    assert_eq!(said(&Commit { by_id, ..of(&events) }).0, ["github:3 yes"], "a pull request of it names that approval");
    let short = [event(1, "action", &["action_type=commit", "target=commit:4444444", "author=github:1"])];
    let one = approval(2, "github:3", &["target=commit:4444444"]);
    let events = [short[0].clone(), one];
    assert!(approved(&Commit { id: "4444444", ..of(&events) }).counted.is_empty(), "not even of a commit of that name");
}

#[test]
fn what_came_later_and_cannot_be_read_may_have_taken_it_back() {
    let events = [made(&["author=github:1"]), approval(5, "github:3", &[])];
    let unread = |last| approved(&Commit { last_unread: last, ..of(&events) }).unread;
    assert_eq!(unread(Some(9)), [LATER_UNREAD]);
    assert!(unread(Some(3)).is_empty() && unread(None).is_empty());
}

#[test]
fn a_short_name_is_that_of_a_commit_from_seven_digits_on() {
    let id = "0123456789abcdef0123456789abcdef01234567";
    assert!(names(&format!("commit:{id}"), id) && names("commit:0123456", id));
    assert!(!names("commit:012345", id) && !names("commit:1234567", id) && !names("0123456", id));
    assert!(names("commit:abc123", "abc123"), "as it was recorded");
    assert!(is_whole(&format!("commit:{id}"), id) && !is_whole("commit:0123456", id));
    assert!(!is_whole("commit:abc123", "abc123"));
}
