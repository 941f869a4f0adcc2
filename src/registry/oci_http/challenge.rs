//! The `WWW-Authenticate` header (RFC 9110, section 11.6.1), as far as registries use it.

/// One way in which a registry wants to be convinced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    scheme: String,
    params: Vec<(String, String)>,
}

impl Challenge {
    /// Whether the scheme is this one; case does not count.
    pub(super) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// A parameter's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// The challenges of one header value. What cannot be read is passed over: it cannot be answered either.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut out: Vec<Challenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let len = rest.bytes().take_while(|b| is_token(*b)).count();
        if len == 0 {
            match rest.find(',') {
                Some(comma) => rest = &rest[comma..],
                None => return out,
            }
            continue;
        }
        let word = &rest[..len];
        let after = rest[len..].trim_start_matches([' ', '\t']);
        match (after.strip_prefix('='), out.last_mut()) {
            (Some(text), Some(challenge)) => {
                let (value, next) = value(text.trim_start_matches([' ', '\t']));
                challenge.params.push((word.to_owned(), value));
                rest = next;
            }
            _ => {
                out.push(Challenge { scheme: word.to_owned(), params: Vec::new() });
                rest = after;
            }
        }
    }
}

/// A quoted string or a token, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let len = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..len].to_owned(), &text[len..]);
    };
    let mut out = String::new();
    let mut chars = quoted.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return (out, &quoted[i + 1..]),
            '\\' => out.extend(chars.next().map(|(_, c)| c)),
            c => out.push(c),
        }
    }
    (out, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_registries_send() {
        let c = parse(
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
        );
        assert_eq!(c.len(), 1);
        assert!(c[0].is("bearer"));
        assert_eq!(c[0].get("realm"), Some("https://auth.docker.io/token"));
        assert_eq!(c[0].get("scope"), Some("repository:a/b:pull,push"));
        let two = parse(r#"Negotiate, Basic realm="a, \"b\" = c" , Bearer realm=x"#);
        assert_eq!(two.iter().map(|c| c.scheme.as_str()).collect::<Vec<_>>(), ["Negotiate", "Basic", "Bearer"]);
        assert_eq!(two[1].get("realm"), Some(r#"a, "b" = c"#));
    }

    #[test]
    fn garbage_ends() {
        for text in ["", "=", "\"", "Bearer realm=\"", "a==,=", "é,Basic", "Bearer realm=\"\\", ",,,;;;"] {
            let _ = parse(text);
        }
        assert!(parse("é, Basic realm=x")[0].is("Basic"));
    }
}
