//! What only looks like a secret: values that are words, which stand in many a name, and what documentation writes in the place
//! of credentials.
//!
//! Whoever wants a real secret to pass for one of these has to choose it so: a value counts as a word only where it could be
//! guessed anyway, and as an example only where it is one to the letter, or says nothing but that something else belongs there.

/// A word of a dictionary is no longer; shorter than [`super::search`]'s shortest value it counts as a whole field only.
const WORD: usize = 14;

/// Whether a secret value is a word that anybody would guess (`postgres`): lower-case letters, few, to be pronounced. A text in
/// which it is a part of a longer name is then no leak of it.
pub(super) fn is_word(value: &str) -> bool {
    let is_vowel = |b: u8| b"aeiouy".contains(&b);
    let consonants = value.as_bytes().split(|b| is_vowel(*b)).map(<[u8]>::len).max().unwrap_or_default();
    let vowels = value.bytes().filter(|b| is_vowel(*b)).count();
    let pronounced = consonants <= 4 && vowels * 5 >= value.len() && vowels * 2 <= value.len() + 1;
    (1..=WORD).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_lowercase()) && pronounced
}

/// What names are made of: a word between two of these is a part of a name.
pub(super) fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

/// Flags of one letter behind which compilers and builders write the name of something, not a password.
const NAMED_BY_FLAG: &[u8] = b"DFILfl";

/// Whether a word that follows this text is the value of a flag of one letter, which many programs take without a space:
/// `mysql -psunshine`.
pub(super) fn is_glued_to_flag(before: &[u8]) -> bool {
    let [rest @ .., b'-', letter] = before else { return false };
    let begins = !rest.last().is_some_and(|b| is_of_names(*b));
    begins && letter.is_ascii_alphabetic() && !NAMED_BY_FLAG.contains(letter)
}

/// Access keys that AWS's documentation shows end so; what is not in base32's alphabet or ends by chance so is none of theirs.
pub(super) fn is_example_of_aws(key: &str) -> bool {
    key.ends_with("EXAMPLE")
}

/// The token that jwt.io shows, by its last part.
pub(super) fn is_example_token(text: &str) -> bool {
    text.starts_with("SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c")
}

/// Words of which placeholders are made.
const PLACEHOLDERS: &[&str] = &[
    "a",
    "access",
    "account",
    "an",
    "api",
    "app",
    "auth",
    "bot",
    "deploy",
    "github",
    "gitlab",
    "here",
    "id",
    "insert",
    "key",
    "login",
    "my",
    "name",
    "oauth",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pat",
    "personal",
    "pwd",
    "registry",
    "replace",
    "secret",
    "some",
    "the",
    "token",
    "user",
    "username",
    "with",
    "your",
];

/// Whether a text stands for a password that somebody is to put in its place: `<token>`, `${TOKEN}`, `$TOKEN`, `{token}`,
/// `***`, `xxxx`. What is in brackets must be words that say so: any text could stand in brackets.
pub(super) fn is_placeholder(text: &str) -> bool {
    let masked = |mask: u8| text.len() >= 3 && text.bytes().all(|b| b.eq_ignore_ascii_case(&mask));
    if masked(b'*') || masked(b'x') || masked(b'.') {
        return true;
    }
    let between = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let inner = between("${{", "}}").or_else(|| between("{{", "}}")).or_else(|| between("${", "}"));
    let inner = inner.or_else(|| between("<", ">")).or_else(|| between("{", "}")).or_else(|| text.strip_prefix('$'));
    inner.is_some_and(|inner| {
        let inner = inner.trim().to_ascii_lowercase();
        let mut words = inner.split(['-', '_', '.', ' ']);
        words.all(|word| {
            PLACEHOLDERS.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit())) || word == "secrets"
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_what_anybody_would_guess() {
        for word in ["postgres", "password", "changeme", "rabbitmq", "elasticsearch", "minioadmin", "kubernetes"] {
            assert!(is_word(word), "{word}");
        }
        for value in [
            "hunter22",
            "kqzvbnmwpxrt",
            "Passw0rd",
            "correcthorsebattery",
            "qwrtpsdfghjk",
            "aaaaeeee",
            "s3cr3t-value",
            "",
        ] {
            assert!(!is_word(value), "{value}");
        }
    }

    #[test]
    fn a_flag_of_one_letter_holds_the_word_behind_it() {
        for before in ["-p", "mysql -uroot -p", "\"-w", "redis-cli;-a", "'-P", "a=-k"] {
            assert!(is_glued_to_flag(before.as_bytes()), "{before}");
        }
        for before in ["", "-", "p", "tokio-", "--p", "a-p", "_-p", ".-p", "-pw", "cc -l", "cargo -F", "-D", "-1"] {
            assert!(!is_glued_to_flag(before.as_bytes()), "{before}");
        }
    }

    #[test]
    fn a_placeholder_says_nothing_but_that_something_belongs_there() {
        for text in [
            "<token>",
            "<your-token>",
            "${TOKEN}",
            "$GITHUB_TOKEN",
            "{password}",
            "{{ token }}",
            "***",
            "xxxxxx",
            "${{ secrets.TOKEN }}",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "<hunter2>",
            "<hunterhunter>",
            "token",
            "$ecret99",
            "${q8Zr}",
            "{q8zr}",
            "<>",
            "x",
            "xxxxhunter",
            "<token>hunter2",
            "hunter2$TOKEN",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
