//! Which indexes a repository has under its first tags.

use super::OciHttp;
use super::transport::Ask;
use crate::model::json::{self, Field, JsonError};
use crate::model::oci::{DOCKER_LIST, IMAGE_INDEX};
use crate::model::{Digest, limits};
use crate::registry::RegistryError;
use crate::seam::BoxFuture;
use futures_util::stream::{self, StreamExt as _};

impl OciHttp {
    /// The indexes among what the first tags name, of which the registry is asked for one page. A registry that lists no tags
    /// has none here.
    pub(super) async fn tagged_indexes(&self, limit: usize) -> Result<Vec<Digest>, RegistryError> {
        let (what, deadline) = ("listing tags", self.deadline());
        let url = self.url(&format!("tags/list?n={limit}"), deadline).await?;
        let ask = Ask::get(url, what, "application/json", limits::MANIFEST_BYTES, deadline);
        let Some(answer) = self.read(&ask).await? else { return Ok(Vec::new()) };
        let tags = tags(&answer.body, limit).map_err(|e| self.transport.unreadable(what, e))?;
        let asked: Vec<BoxFuture<'_, _>> =
            tags.iter().map(|tag| -> BoxFuture<'_, _> { Box::pin(self.find_tag(tag)) }).collect();
        let mut found = stream::iter(asked).buffered(limits::PARALLEL_FETCHES);
        let mut indexes = Vec::new();
        while let Some(named) = found.next().await {
            let index = named?.filter(|d| [IMAGE_INDEX, DOCKER_LIST].contains(&d.media_type.as_str()));
            indexes.extend(index.map(|d| d.digest));
        }
        Ok(indexes)
    }
}

/// `{"name":...,"tags":[...]}`. Text that is no tag could lead elsewhere, and is passed over.
fn tags(body: &[u8], limit: usize) -> Result<Vec<String>, JsonError> {
    let value = json::parse(body, limits::MANIFEST_BYTES)?;
    let listed = Field::root("tags", &value).get("tags")?;
    let all = listed.map(|tags| tags.list(usize::MAX)).transpose()?.unwrap_or_default();
    let is_tag = |t: &&str| t.len() <= 128 && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let own = |t: &&str| !t.starts_with(['.', '-']) && !t.starts_with("sha256-");
    Ok(all.iter().filter_map(|t| t.str().ok()).filter(is_tag).filter(own).take(limit).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tag_is_passed_over() {
        let of = |text: &str| tags(text.as_bytes(), 2);
        let found = of(r#"{"name":"a","tags":["../../x","sha256-ab.att","v1",7,"a/b","latest","v2"]}"#);
        assert_eq!(found.unwrap(), ["v1", "latest"]);
        assert!(of(r#"{"name":"a","tags":null}"#).unwrap().is_empty() && of("<html>").is_err());
    }
}
