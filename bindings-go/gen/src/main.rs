//! Writes the Go side of the scaffolding.
fn main() {}
