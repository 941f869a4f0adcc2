//! What a bucket answers in XML: a list of versions, or why not.

use crate::model::Timestamp;
use roxmltree::{Document, Node};

/// A version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// By what it is read, and nothing that was put there later.
    pub(super) id: String,
    /// What tells whether two have the same bytes; none of a marker, by which somebody deleted what stands before it.
    pub(super) etag: Option<String>,
}

/// A page of a list of versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Keys and their versions, in the order of the answer: a key's newest version first.
    pub(super) versions: Vec<(String, Version)>,
    /// Where the next page begins: a key and a version; none at the end.
    pub(super) next: Option<(String, String)>,
}

/// Reads a list of versions (`ListVersionsResult`); none where it is not one.
pub(super) fn page(body: &[u8]) -> Option<Page> {
    let text = std::str::from_utf8(body).ok()?;
    let document = Document::parse(text).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "ListVersionsResult" {
        return None;
    }
    let mut out = Page::default();
    for node in root.children().filter(Node::is_element) {
        let etag = match node.tag_name().name() {
            "Version" => Some(child(node, "ETag")?.to_owned()),
            "DeleteMarker" => None,
            _ => continue,
        };
        out.versions.push((child(node, "Key")?.to_owned(), Version { id: child(node, "VersionId")?.to_owned(), etag }));
    }
    if child(root, "IsTruncated") == Some("true") {
        let version = child(root, "NextVersionIdMarker").unwrap_or_default().to_owned();
        out.next = Some((child(root, "NextKeyMarker")?.to_owned(), version));
    }
    Some(out)
}

/// Why a request was refused: code and words; none where the answer does not say it.
pub(super) fn refusal(body: &[u8]) -> Option<(String, String)> {
    let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let root = document.root_element();
    let code = child(root, "Code")?.to_owned();
    Some((code, child(root, "Message").unwrap_or_default().to_owned()))
}

/// Until when a version is locked (`Retention`), where it is so for everybody.
pub(super) fn retention(body: &[u8]) -> Option<Timestamp> {
    let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let root = document.root_element();
    let mode = child(root, "Mode").filter(|mode| *mode == "COMPLIANCE");
    mode.and_then(|_| Timestamp::parse(child(root, "RetainUntilDate")?).ok())
}

fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let found = node.children().find(|child| child.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><IsTruncated>true</IsTruncated>
<NextKeyMarker>tile/0/000</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>
<DeleteMarker><Key>tile/0/000</Key><VersionId>v3</VersionId><IsLatest>true</IsLatest></DeleteMarker>
<Version><Key>tile/0/000</Key><VersionId>v1</VersionId><ETag>&quot;ab&quot;</ETag></Version></ListVersionsResult>"#;

    #[test]
    fn a_list_has_versions_and_markers_and_where_it_goes_on() {
        let found = page(LIST.as_bytes()).unwrap();
        let version = |id: &str, etag: Option<&str>| {
            ("tile/0/000".to_owned(), Version { id: id.to_owned(), etag: etag.map(str::to_owned) })
        };
        assert_eq!(found.versions, [version("v3", None), version("v1", Some("\"ab\""))]);
        assert_eq!(found.next, Some(("tile/0/000".to_owned(), "v1".to_owned())));
        let last = page(LIST.replace(">true</IsTruncated>", ">false</IsTruncated>").as_bytes()).unwrap();
        assert_eq!(last.next, None);
    }

    #[test]
    fn what_is_no_list_is_none() {
        for other in ["", "<html/>", "<ListVersionsResult><Version/></ListVersionsResult>", "<a", "{}"] {
            assert_eq!(page(other.as_bytes()), None, "{other}");
        }
        // One that names itself is what makes a small answer large.
        let bomb = LIST.replacen("<List", "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><List", 1);
        assert_eq!(page(bomb.as_bytes()), None);
    }

    #[test]
    fn a_refusal_has_a_code_and_words() {
        let said = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        assert_eq!(refusal(said), Some(("AccessDenied".into(), "no".into())));
        assert_eq!(refusal(b"<html>502</html>"), None);
    }
}
