//! Jenkins, from the variables of its core and of the plugins that its documentation names (Git, multibranch, EnvInject,
//! Build User Vars).

use crate::issuer::variables::{
    any, branch_or_tag, builder, commit, details, is_page, is_ref_part, repository, variable,
};
use crate::issuer::{CiContext, Detail, Issuer, Platform, Principal, Surroundings, System};
use crate::model::{Captured, Trigger};

const NAME: &str = "jenkins";

pub(super) static ISSUER: Issuer = Issuer {
    system: Some(System {
        title: "Jenkins",
        section: "jenkins",
        about: "Variables of Jenkins.",
        marks: &["JENKINS_URL"],
        run: &[&["BUILD_URL"]],
        manual: &[],
        scheduled: &[],
        details: DETAILS,
        tells: &[],
        platform: &Jenkins,
    }),
    ..Issuer::new(NAME)
};

/// Jenkins.
struct Jenkins;

impl Platform for Jenkins {
    fn detects(&self, env: &dyn Surroundings) -> bool {
        env.variable("JENKINS_URL").is_some()
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
        CiContext {
            builder: builder(NAME, "JENKINS_URL"),
            invocation: variable(env, "BUILD_URL", is_page),
            trigger: trigger(env),
            requested_by: requester(env),
            workflow: Captured::absent("Jenkins does not say which file the pipeline is from"),
            repository: repository(env, "GIT_URL"),
            reference: reference(env),
            commit: commit(env, "GIT_COMMIT"),
            runner: variable(env, "NODE_NAME", any),
            details: details(env, DETAILS),
            runner_kind: Captured::absent("Jenkins does not tell a build whose machine its node is"),
            container: Captured::absent("Jenkins does not tell a build the image it runs in"),
            inputs: Captured::absent("Jenkins does not tell a build which of its variables are parameters"),
        }
    }
}

/// Members of `internalParameters.jenkins`.
const DETAILS: &[Detail] = &[
    ("job_name", "JOB_NAME", ""),
    ("build_number", "BUILD_NUMBER", ""),
    ("build_tag", "BUILD_TAG", ""),
    ("build_cause", "BUILD_CAUSE", ""),
    ("git_commit", "GIT_COMMIT", ""),
];

/// The EnvInject plugin's word, where it is one.
fn trigger(env: &dyn Surroundings) -> Captured<Trigger> {
    match variable(env, "BUILD_CAUSE", any) {
        Captured::Found { value, source } => match value.as_str() {
            "MANUALTRIGGER" => Captured::found(Trigger::Manual, &source),
            "TIMERTRIGGER" => Captured::found(Trigger::Scheduled, &source),
            "SCMTRIGGER" | "UPSTREAMTRIGGER" | "BRANCHEVENTCAUSE" => Captured::found(Trigger::Event, &source),
            _ => Captured::absent("BUILD_CAUSE names several causes, or one that is not known"),
        },
        Captured::Absent { reason } => Captured::absent(&format!("{reason}: the EnvInject plugin sets it")),
    }
}

/// The Build User Vars plugin's word. User ids of a Jenkins do not change; they mean something on that one only.
fn requester(env: &dyn Surroundings) -> Captured<Principal> {
    if trigger(env).value() == Some(&Trigger::Scheduled) {
        return Captured::absent("nobody asks for a scheduled run");
    }
    let id = match variable(env, "BUILD_USER_ID", |u| !u.contains(char::is_whitespace)) {
        Captured::Absent { reason } => {
            return Captured::absent(&format!("{reason}: the Build User Vars plugin sets it"));
        }
        found => found,
    };
    let server = variable(env, "JENKINS_URL", is_page);
    crate::issuer::variables::principal(&server, ("", ""), &id, &variable(env, "BUILD_USER", any))
}

fn reference(env: &dyn Surroundings) -> Captured<String> {
    if env.variable("CHANGE_ID").is_some() {
        return Captured::absent("CHANGE_ID says that the build is for a change, which has no branch of its own");
    }
    match (env.variable("TAG_NAME"), env.variable("BRANCH_NAME")) {
        (None, None) => variable(env, "GIT_LOCAL_BRANCH", is_ref_part).map(|b| format!("refs/heads/{b}")),
        _ => branch_or_tag(env, "BRANCH_NAME", "TAG_NAME"),
    }
}
