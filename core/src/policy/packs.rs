//! The packs of our own: `baseline`, which every new project gets, and `strict`.

/// The name of the pack whose permits retire when a project permits for itself.
pub const BASELINE: &str = "baseline";

/// The Cedar text of a pack.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    match name {
        BASELINE => Some(include_str!("packs/baseline.cedar")),
        "strict" => Some(include_str!("packs/strict.cedar")),
        _ => None,
    }
}

/// The packs there are.
pub const NAMES: [&str; 2] = [BASELINE, "strict"];
