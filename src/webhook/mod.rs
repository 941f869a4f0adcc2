//! The admission webhook of Kubernetes: reviews to replies, by the same policies and the same decision as `attest verify`.
//!
//! | file | job |
//! |---|---|
//! | `review.rs` | what an API server asks |
//! | `images.rs` | which images an object runs, of whatever kind |
//! | `decider.rs` | what is done with an image: policies, evidence that is remembered, one decision for all who wait for it |
//! | `answer.rs`, `remembered.rs` | that decision in a few words, and for how long it is remembered |
//! | `validate.rs` | an object: its images, and those that it ran before |
//! | `pin.rs` | tags to digests |
//! | `reply.rs` | the answer, within what an API server takes |
//! | `admitted.rs` | the same as records of an audit log |
//! | `router.rs`, `metrics.rs` | requests to answers without a socket, and what is counted |
//! | `server.rs`, `certificate.rs` | the door: TLS, connections, times, sizes |
//! | `scan.rs` | reviews of what runs in a cluster, or stands in files |
//! | `manifests/` | what is applied to a cluster |

mod admitted;
mod answer;
mod certificate;
mod decider;
mod images;
mod manifests;
mod metrics;
mod pin;
mod remembered;
mod reply;
mod review;
mod router;
mod scan;
mod server;
mod validate;

pub use admitted::Recorder;
pub use answer::{ImageAnswer, Line, Worst};
pub use certificate::Certificate;
pub use decider::{CODES as DECIDER_CODES, Deadlines, Decider, Known, Settings, Unmatched};
pub use images::{Bearers, CODES as IMAGES_CODES, ImageUse, ImagesError, KIND_UNKNOWN};
pub use manifests::{Failing, Manifests};
pub use reply::Reply;
pub use review::{CODES as REVIEW_CODES, NoReview, Review};
pub use router::{Answer, Body, Journal, MUTATE, Outlets, Request, Router, VALIDATE};
pub use scan::{Found, Item, ItemsError, items};
pub use server::{Door, Watch};
