//! Who approved a pull or merge request, as its host lists it: an annotation, and no approval that anybody signed.

use super::live::number;
use crate::model::json::{Field, JsonError};
use std::collections::BTreeMap;

/// Reviews of one request that are read; a host that lists as many may have more.
pub(super) const REVIEWS: usize = 50;

/// Ids of those whose last word is an approval, from reviews in the order of their coming. `None` where there may be more
/// than were listed.
pub(super) fn of_reviews(answer: &Field<'_>) -> Result<Option<Vec<String>>, JsonError> {
    let reviews = answer.list(REVIEWS)?;
    let full = reviews.len() == REVIEWS;
    let mut last: BTreeMap<String, bool> = BTreeMap::new();
    for review in &reviews {
        let Some(user) = review.get("user")? else { continue };
        let dismissed = review.get("dismissed")?.is_some_and(|d| d.value().as_bool() == Some(true));
        let approves = match review.need("state")?.str()? {
            "APPROVED" => !dismissed,
            // GitHub's words, and Forgejo's.
            "CHANGES_REQUESTED" | "DISMISSED" | "REQUEST_CHANGES" => false,
            _ => continue,
        };
        last.insert(number(&user.need("id")?)?, approves);
    }
    let approvers = last.into_iter().filter(|(_, approves)| *approves).map(|(id, _)| id);
    Ok((!full).then(|| approvers.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn approvers(reviews: &Value) -> Option<Vec<String>> {
        of_reviews(&Field::root("reviews", reviews)).unwrap()
    }

    #[test]
    fn the_last_word_counts_and_a_comment_is_none() {
        let said = |id: u64, state: &str| json!({ "user": { "id": id }, "state": state });
        let dismissed = json!({ "user": { "id": 4 }, "state": "APPROVED", "dismissed": true });
        let all = json!([
            said(1, "APPROVED"),
            said(1, "COMMENTED"),
            said(2, "APPROVED"),
            said(2, "CHANGES_REQUESTED"),
            said(3, "REQUEST_CHANGES"),
            said(3, "APPROVED"),
            dismissed,
            { "user": null, "state": "APPROVED" },
        ]);
        assert_eq!(approvers(&all), Some(vec!["1".into(), "3".into()]));
        assert_eq!(approvers(&json!([])), Some(Vec::new()));
        // What is not all of them is not shown as if it were.
        assert_eq!(approvers(&Value::Array(vec![said(1, "APPROVED"); REVIEWS])), None);
    }
}
