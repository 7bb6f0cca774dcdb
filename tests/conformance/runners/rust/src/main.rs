//! The conformance runner of the Rust crate.
fn main() {}
