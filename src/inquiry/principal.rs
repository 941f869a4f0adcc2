//! Who is one person: principals as people write them, in one form, and which of them are agents and no persons.
//!
//! Two spellings of one person must not become two pairs of eyes, so where two might be one they are.

use crate::attribution;

/// A principal in the form in which it is compared: without blanks, scheme, host and mail addresses in small letters, numbers without
/// zeros before them, GitHub's own addresses as the account that they are of.
#[must_use]
pub fn normal(who: &str) -> String {
    let seen = seen(who);
    let who = seen.trim();
    let address = who.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address.trim());
    let who = address.unwrap_or(who);
    match who.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => of_scheme(&scheme.to_ascii_lowercase(), rest.trim()),
        _ => match who.strip_prefix('@').unwrap_or(who) {
            who if who.contains('@') => mail(who),
            who => who.to_lowercase(),
        },
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b))
}

fn of_scheme(scheme: &str, rest: &str) -> String {
    match scheme {
        "mailto" => mail(rest.split('?').next().unwrap_or(rest)),
        "github" => account(rest),
        "http" | "https" => {
            let rest = rest.trim_start_matches('/').trim_end_matches('/');
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.to_lowercase();
            match host.as_str() {
                "github.com" | "www.github.com" if path.starts_with("apps/") => account(path),
                "github.com" | "www.github.com" if !path.is_empty() && !path.contains('/') => account(path),
                _ => format!("{scheme}://{host}/{path}"),
            }
        }
        "key" | "sha256" => format!("{scheme}:{}", rest.to_lowercase()),
        _ => format!("{scheme}:{rest}"),
    }
}

fn account(name: &str) -> String {
    let name = name.trim_start_matches('@').to_lowercase();
    // So GitHub's own program and pages name the account of an app.
    if let Some(app) = name.strip_prefix("app/").or_else(|| name.strip_prefix("apps/")) {
        return format!("github:{}[bot]", app.trim_end_matches("[bot]"));
    }
    match !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
        true => format!("github:{}", name.trim_start_matches('0')),
        false => format!("github:{name}"),
    }
}

fn mail(address: &str) -> String {
    let address = decoded(address.trim()).to_lowercase();
    // A domain may end with a dot, and what stands before the `@` may be quoted.
    let address = address.trim_end_matches('.').replace('"', "");
    let Some(own) = address.strip_suffix("@users.noreply.github.com") else { return format!("mailto:{address}") };
    // The number is the account's, but for an app, whose name says what it is.
    account(own.split_once('+').map_or(own, |(number, name)| if name.ends_with("[bot]") { name } else { number }))
}

/// What is escaped in an address, as itself.
fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('%') {
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii_graphic);
        out.push_str(before);
        out.push(byte.map_or('%', char::from));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    out + rest
}

/// Without what nobody sees, and with wide letters and digits as the usual ones: a name that looks like another is that one.
fn seen(text: &str) -> String {
    let wide = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    text.chars()
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'))
        .map(wide)
        .collect()
}

/// Which agent a principal is, by the tables of attribution and by its form; none where it may be a person.
#[must_use]
pub fn agent(who: &str) -> Option<String> {
    let who = normal(who);
    if who.ends_with("[bot]") {
        return Some(who);
    }
    let known = match who.split_once(':') {
        Some(("mailto", address)) => attribution::agent_of_address(address),
        // No account has one; an agent of a squad has.
        Some(("github", account)) if account.contains('/') => return Some(who),
        Some(("github", account)) => attribution::agent_of_account(account),
        Some(("agent", _)) => return Some(who),
        Some(_) => None,
        None if who.contains('/') => return Some(who),
        None => attribution::agent_of_name(&who),
    };
    known.map(str::to_owned)
}

/// The key or identity that signed, in the form in which it is compared.
#[must_use]
pub fn signer(who: &str) -> String {
    let who = normal(who);
    who.strip_prefix("key:").map_or_else(|| who.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_one_however_it_is_written_and_two_stay_two() {
        for (one, other) in [
            ("github:583231", "github:0583231"),
            ("github:583231", " GitHub:583231 "),
            ("github:583231", "583231+alice@users.noreply.github.com"),
            ("github:583231", "mailto:583231+other@USERS.noreply.github.com"),
            ("github:alice", "https://github.com/Alice/"),
            ("github:alice", "github:@Alice"),
            ("mailto:alice@example.com", "MAILTO:Alice@Example.COM"),
            ("mailto:alice@example.com", "alice@example.com"),
            ("mailto:alice@example.com", "Alice <alice@example.com>"),
            ("mailto:alice@example.com", "mailto:alice%40example.com?subject=x"),
            ("mailto:alice@example.com", "mailto:al%69ce@example.com."),
            ("mailto:alice@example.com", "mailto:\"alice\"@example.com"),
            ("github:583231", "github:\u{ff15}\u{ff18}\u{ff13}\u{ff12}\u{ff13}\u{ff11}"),
            ("github:583231", "github:583231\u{200b}"),
            ("github:583231", "583231+bob@USERS.noreply.github.com."),
            ("github:dependabot[bot]", "mailto:49699333+dependabot[bot]@users.noreply.github.com"),
            ("github:dependabot[bot]", "https://github.com/apps/dependabot"),
            ("https://id.example/Alice", "HTTPS://ID.example/Alice/"),
            ("key:sha256:ab", "KEY:sha256:AB"),
            ("Alice", " alice"),
        ] {
            assert_eq!(normal(one), normal(other), "{one} {other}");
        }
        for (one, other) in [
            ("github:583231", "github:583232"),
            ("github:1", "gitlab:1"),
            ("mailto:a@example.com", "mailto:b@example.com"),
            ("https://id.example/Alice", "https://id.example/alice"),
            ("github:10", "github:1"),
        ] {
            assert_ne!(normal(one), normal(other), "{one} {other}");
        }
        assert_eq!(signer("key:sha256:ab"), signer("sha256:AB"));
    }

    #[test]
    fn an_agent_is_one_by_address_account_or_form_and_a_person_is_none() {
        for who in [
            "mailto:noreply@anthropic.com",
            "Claude <NoReply@Anthropic.com>",
            "github:198982749",
            "198982749+Copilot@users.noreply.github.com",
            "eng/reviewer",
            "agent:eng/reviewer",
            "github:dependabot[bot]",
            "github:app/dependabot",
            "github:platform/builder",
            "mailto:41898282+github-actions[bot]@users.noreply.github.com",
            "Claude Code",
        ] {
            assert!(agent(who).is_some(), "{who}");
        }
        for who in [
            "github:1",
            "github:1198982749",
            "mailto:claude@people.example",
            "alice",
            "https://id.example/a/b",
            "key:sha256:ab",
            "spiffe://example/eng",
        ] {
            assert_eq!(agent(who), None, "{who}");
        }
    }
}
