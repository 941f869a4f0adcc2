//! Codefresh: the tokens of its pipelines. What its variables say is not read.

use crate::issuer::{Issuer, Tokens};

pub(super) static ISSUER: Issuer = Issuer {
    tokens: Some(Tokens {
        mark: "workflow_id",
        defaults: &[("platform_url", "https://g.codefresh.io")],
        claims: &[
            (9, "{platform_url}/build/{workflow_id}"),
            (11, "{runner_environment}"),
            (12, "{scm_repo_url}"),
            (14, "{scm_ref}"),
            (18, "{platform_url}/api/pipelines/{pipeline_id}"),
            (21, "{platform_url}/build/{workflow_id}"),
        ],
        ..Tokens::new("codefresh", &["https://oidc.codefresh.io"])
    }),
    ..Issuer::new("codefresh")
};
