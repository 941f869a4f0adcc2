//! Refusals of the real binary. Each row is named after its defect and has a twin that differs only in the defect and
//! is allowed: `NAME: BASE, DEFECT => EXIT CODE`.
#![expect(clippy::disallowed_methods, reason = "a test: runs the built binary, writes files, looks at the clock")]
#![allow(clippy::type_complexity, reason = "a row of a table names its types where it stands")]

mod approvals;
pub(crate) mod approving;
mod assurance;
mod attested_index;
mod claims;
mod evidence;
mod layouts;
mod limits;
mod policies;
mod registries;
pub(crate) mod scene;
mod snapshots;

use scene::{Answer, Place, Scene};

/// Rows of refusals: each becomes a test of its name.
macro_rules! refusals {
    ($($name:ident: $base:expr, $defect:expr => $exit:literal $code:literal;)*) => {
        $(#[test]
        fn $name() {
            crate::refusals::refused(&$base, &$defect, $exit, $code);
        })*
        /// Names of the rows.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

use refusals;

/// Asserts that the base is allowed, and that with the defect alone it is refused as expected.
fn refused(base: &dyn Fn(&mut Scene), defect: &dyn Fn(&mut Scene), exit: i32, code: &str) {
    let run = |defect: &dyn Fn(&mut Scene)| -> Answer {
        let mut scene = Scene::new();
        base(&mut scene);
        defect(&mut scene);
        scene.answer()
    };
    let twin = run(&|_| ());
    assert_eq!((twin.exit, twin.code.as_str()), (0, ""), "the twin: {twin:#?}");
    assert_eq!(twin.json["verdict"], "allow");
    let refused = run(defect);
    assert_eq!((refused.exit, refused.code.as_str()), (exit, code), "{refused:#?}");
    assert_ne!(refused.json["verdict"], "allow");
}

/// A file, its key named by flag, and further flags.
fn file(flags: &'static [&'static str]) -> impl Fn(&mut Scene) {
    move |s| s.flag(flags)
}

/// An image in a layout.
fn layout(s: &mut Scene) {
    s.at(Place::Layout);
}

/// An image in a registry.
fn registry(s: &mut Scene) {
    s.at(Place::Registry);
}

/// A file whose policy's first requirement also has this field.
fn requiring(field: &'static str, value: &'static str) -> impl Fn(&mut Scene) {
    move |s| {
        s.by_policy();
        s.require()[field] = serde_json::from_str(value).expect("JSON");
    }
}

#[test]
fn there_are_enough_refusals_and_each_has_its_own_name() {
    let all = [
        approvals::NAMES,
        assurance::NAMES,
        attested_index::NAMES,
        claims::NAMES,
        evidence::NAMES,
        layouts::NAMES,
        limits::NAMES,
        policies::NAMES,
        registries::NAMES,
        snapshots::NAMES,
    ];
    let mut names: Vec<_> = all.concat();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 165, "{count} refusals");
}
