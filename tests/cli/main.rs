//! Commands as a person runs them, with everything that they print. To accept what changed: `SNAPSHOTS=overwrite cargo
//! test --test cli`, then read the difference as its reader would.
#![cfg(feature = "cli")]
#![expect(clippy::disallowed_methods, reason = "makes folders and runs the built binary in them")]

mod action;
mod action_hostile;
mod action_install;
mod action_keyless;
mod anchors;
mod approve;
mod attacked;
mod audit;
mod audit_ask;
mod audit_blast;
mod audit_crash;
mod audit_export;
mod audit_hook;
mod audit_kept;
mod audit_prices;
mod audit_prove;
mod audit_report;
mod audit_session;
mod audit_sources;
mod audit_timeline;
mod audit_trace;
mod audit_who;
mod audit_work;
mod before_the_step;
mod beside;
mod blocks;
mod charter;
mod flags;
mod git_check;
mod git_check_hostile;
mod git_log;
mod guide;
mod help;
mod install;
mod large_files;
mod login;
mod missing;
mod outages;
mod outbox;
mod pipes_and_devices;
mod planted;
mod planted_matrix;
mod predicates;
mod private_issuers;
mod public_logs;
mod published;
mod redirects;
mod reference;
mod release;
mod replicas;
#[path = "../world/runner.rs"]
mod runner;
mod said;
mod scenarios;
#[path = "../world/serve.rs"]
mod serve;
mod services;
mod serving;
mod shown;
mod signers;
mod step;
mod subjects;
mod telemetry;
mod transcript;
#[path = "../world/web.rs"]
mod web;
#[path = "../world/mod.rs"]
mod world;
