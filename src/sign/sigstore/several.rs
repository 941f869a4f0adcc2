//! [`Several`]: services of one kind, of which some are enough. Where one is down, the next is asked.

use crate::seam::BoxFuture;
use crate::sign::{
    Evidence, EvidenceItem, KeyMaterial, LogVersion, Rekor, Selection, ServiceClient, Services, SignError,
    TimestampAuthority, Witnessed,
};

/// Witnesses of one kind, each of an operator; enough of them have to answer.
pub struct Several {
    what: &'static str,
    wanted: usize,
    members: Vec<(String, Box<dyn Evidence>)>,
}

impl Several {
    /// `wanted` of these, of as many operators, the preferred first; `what` they are in words.
    #[must_use]
    pub fn new(what: &'static str, wanted: usize, members: Vec<(String, Box<dyn Evidence>)>) -> Self {
        Self { what, wanted, members }
    }

    async fn ask(&self, signature: Witnessed<'_>, material: &KeyMaterial) -> Result<Vec<EvidenceItem>, SignError> {
        let mut items = Vec::new();
        let mut failed = Vec::new();
        let mut answered: Vec<&str> = Vec::new();
        for (operator, member) in &self.members {
            if answered.len() >= self.wanted {
                break;
            }
            if answered.contains(&operator.as_str()) {
                continue;
            }
            match member.attest(signature, material).await {
                Ok(more) => {
                    items.extend(more);
                    answered.push(operator);
                }
                // What one refuses, the others would refuse too, and they need not see it.
                Err(e) if !e.is_outage() => return Err(e),
                Err(e) => failed.push(e),
            }
        }
        if answered.len() < self.wanted { Err(outage(self.what, self.wanted, failed)) } else { Ok(items) }
    }
}

impl Evidence for Several {
    fn name(&self) -> String {
        format!("{} of {} {}", self.wanted, self.members.len(), self.what)
    }

    fn attest<'a>(
        &'a self,
        signature: Witnessed<'a>,
        material: &'a KeyMaterial,
    ) -> BoxFuture<'a, Result<Vec<EvidenceItem>, SignError>> {
        Box::pin(self.ask(signature, material))
    }
}

impl Services {
    /// The authorities of time and the logs among these. Timestamps before logs: where an authority fails, no log
    /// has an entry of a signature that is never published.
    #[must_use]
    pub fn witnesses(&self, client: &ServiceClient) -> Vec<Box<dyn Evidence>> {
        let stamp = |url: &String| -> Box<dyn Evidence> { Box::new(TimestampAuthority::new(url, client.clone())) };
        let log = |(url, version): &(String, LogVersion)| -> Box<dyn Evidence> {
            Box::new(Rekor::new(url, *version, client.clone()))
        };
        vec![
            Box::new(several("timestamp authorities", &self.timestamps, stamp)),
            Box::new(several("transparency logs", &self.logs, log)),
        ]
    }
}

fn several<T>(what: &'static str, from: &Selection<T>, make: impl Fn(&T) -> Box<dyn Evidence>) -> Several {
    Several::new(what, from.wanted, from.among.iter().map(|(operator, s)| (operator.clone(), make(s))).collect())
}

/// Too few answered: why each did not. One alone speaks for itself.
pub(in crate::sign) fn outage(what: &str, wanted: usize, mut failed: Vec<SignError>) -> SignError {
    if failed.len() == 1 && wanted == 1 {
        return failed.remove(0);
    }
    let each: Vec<String> = failed.iter().map(SignError::to_string).collect();
    let cause = format!("{wanted} wanted, and {} failed: {}", failed.len(), each.join("; "));
    SignError::Unavailable { service: what.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope::IN_TOTO;
    use crate::model::{Envelope, EnvelopeSignature};
    use crate::seam::ready;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Witness(Result<u8, SignError>, Arc<AtomicUsize>);

    impl Evidence for Witness {
        fn name(&self) -> String {
            "a witness".into()
        }
        fn attest<'a>(
            &'a self,
            _: Witnessed<'a>,
            _: &'a KeyMaterial,
        ) -> BoxFuture<'a, Result<Vec<EvidenceItem>, SignError>> {
            self.1.fetch_add(1, Ordering::SeqCst);
            ready(self.0.clone().map(|n| vec![EvidenceItem::Timestamp(vec![n])]))
        }
    }

    fn down(name: &str) -> Result<u8, SignError> {
        Err(SignError::Unavailable { service: name.into(), cause: "connection refused".into() })
    }

    fn no(status: u16) -> Result<u8, SignError> {
        Err(SignError::Refused { service: "it".into(), status, detail: String::new() })
    }

    /// Who answered, or the error; and how many were asked.
    fn ask(wanted: usize, members: Vec<(&str, Result<u8, SignError>)>) -> (Result<Vec<u8>, SignError>, usize) {
        let count = Arc::new(AtomicUsize::new(0));
        let member = |(operator, answer): (&str, _)| -> (String, Box<dyn Evidence>) {
            (operator.to_owned(), Box::new(Witness(answer, count.clone())))
        };
        let several = Several::new("witnesses", wanted, members.into_iter().map(member).collect());
        let signature = EnvelopeSignature { sig: vec![1], keyid: String::new() };
        let envelope = Envelope::new(IN_TOTO, b"{}".to_vec(), signature);
        let material = KeyMaterial::Certificates(Vec::new());
        let answer = futures_util::FutureExt::now_or_never(several.attest(Witnessed::Envelope(&envelope), &material));
        let numbers = |items: Vec<EvidenceItem>| {
            let number = |i: &EvidenceItem| if let EvidenceItem::Timestamp(t) = i { t[0] } else { 0 };
            items.iter().map(number).collect()
        };
        (answer.unwrap().map(numbers), count.load(Ordering::SeqCst))
    }

    #[test]
    fn the_next_is_asked_where_one_is_down_and_no_more_than_are_wanted() {
        assert_eq!(ask(1, vec![("a", Ok(1)), ("b", Ok(2))]), (Ok(vec![1]), 1));
        assert_eq!(ask(1, vec![("a", down("a")), ("b", Ok(2)), ("c", Ok(3))]), (Ok(vec![2]), 2));
        assert_eq!(ask(2, vec![("a", Ok(1)), ("b", down("b")), ("c", Ok(3))]), (Ok(vec![1, 3]), 3));
        assert_eq!(ask(0, vec![("a", Ok(1))]), (Ok(vec![]), 0));
        for gone in [no(404), no(410), no(302), no(501)] {
            assert_eq!(ask(1, vec![("a", gone), ("b", Ok(2))]), (Ok(vec![2]), 2));
        }
    }

    #[test]
    fn one_operator_counts_once() {
        assert_eq!(ask(2, vec![("a", Ok(1)), ("a", Ok(2)), ("b", Ok(3))]), (Ok(vec![1, 3]), 2));
        // A second service of the same operator stands in for its first.
        assert_eq!(ask(2, vec![("a", down("a")), ("a", Ok(2)), ("b", Ok(3))]), (Ok(vec![2, 3]), 3));
        assert!(ask(2, vec![("a", Ok(1)), ("a", Ok(2)), ("b", down("b"))]).0.is_err());
    }

    #[test]
    fn too_few_say_why_each_did_not_answer() {
        let (answer, asked) = ask(2, vec![("a", down("one")), ("b", Ok(2)), ("c", down("three"))]);
        let e = answer.unwrap_err();
        assert_eq!((e.code().as_str(), asked), ("signing-unavailable", 3));
        let expected = "witnesses: 2 wanted, and 2 failed: one: connection refused; three: connection refused";
        assert_eq!(e.to_string(), expected);
        assert_eq!(ask(1, vec![("a", down("one"))]).0, down("one").map(|n| vec![n]));
    }

    #[test]
    fn what_one_refuses_no_other_is_shown() {
        for status in [400, 401, 403, 409, 422] {
            let (answer, asked) = ask(1, vec![("a", no(status)), ("b", Ok(2))]);
            assert_eq!((answer.unwrap_err().code().as_str(), asked), ("signing-refused", 1), "{status}");
        }
    }
}
