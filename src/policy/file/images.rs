//! Subjects that a policy, or an exception, speaks about.

use crate::policy::form::{Field, ListOf, Map, Needed, Parsed, Sub};
use crate::policy::{Glob, image_glob};
use serde_json::{Value, json};

/// Groups of subjects, one glob each.
pub(super) const IMAGES_OF: ListOf<Sub<Glob>> = ListOf(Sub { map: &IMAGE_FIELDS, read: |at| IMAGE.read(at) });

static IMAGE: Needed<Parsed<Glob>> = Field::new(
    "glob",
    "Repository, without tag and digest, read as a reference is; oci:PATH and file:PATH for the others. Stars match an `@` of such a path, too.",
    Parsed { read: image_glob, schema: image_schema },
)
.needed();
static IMAGE_FIELDS: Map = Map::of("A group of subjects.", &[&IMAGE]);

fn image_schema() -> Value {
    let mut image = Glob::schema("");
    image["pattern"] = json!("^((oci|file):[^@]*|([A-Za-z0-9.*:\\[\\]_-]+/)?[a-z0-9._*/-]*)$");
    image
}
