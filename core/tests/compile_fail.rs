//! Law 1: what stores, caches, counts, remembers or proves does not build without a `Scope`, and nobody outside can make one.

#[test]
fn nothing_is_stored_counted_remembered_or_proven_without_a_scope() {
    trybuild::TestCases::new().compile_fail("tests/no_scope/*.rs");
}
