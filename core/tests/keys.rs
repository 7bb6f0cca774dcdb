//! Keys are injective over adversarial fields (law 3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashSet;

use proptest::prelude::*;
use tenantry::{
    Options, Tenant, Tenantry,
    config::Storage,
    scope::{Key, KeyKind, Scope},
};

fn scopes() -> [Scope; 2] {
    let client = Tenantry::open(Options { storage: Some(Storage::Memory), ..Options::default() }).unwrap();
    client.admin().accounts().create_blocking("a").unwrap();
    let tenant = |project: &str| -> Tenant {
        client.admin().projects().create_blocking("a", project).unwrap();
        client.tenant_blocking("a", project).unwrap()
    };
    [tenant("x").scope().clone(), tenant("y").scope().clone()]
}

fn key(scope: &Scope, kind: KeyKind, fields: &[Vec<u8>]) -> Key {
    Key::new(scope, kind, &fields.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn kinds() -> impl Strategy<Value = KeyKind> {
    prop_oneof![Just(KeyKind::Rate), Just(KeyKind::Session), Just(KeyKind::Instance)]
}

fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = prop_oneof![Just(0_u8), Just(b':'), Just(b'_'), Just(b'/'), Just(b'a'), any::<u8>()];
    prop::collection::vec(prop::collection::vec(byte, 0..6), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]
    #[test]
    fn equal_keys_mean_equal_scope_kind_and_fields(
        one in (0_usize..2, kinds(), fields()), two in (0_usize..2, kinds(), fields()),
    ) {
        static SCOPES: std::sync::LazyLock<[Scope; 2]> = std::sync::LazyLock::new(scopes);
        let (a, b) = (key(&SCOPES[one.0], one.1, &one.2), key(&SCOPES[two.0], two.1, &two.2));
        prop_assert_eq!(a == b, one == two);
        prop_assert!(a.belongs_to(&SCOPES[one.0]) && !a.belongs_to(&SCOPES[1 - one.0]));
    }
}

/// Every pair of short fields over the bytes people join with: 1,555 × 1,555 pairs, all distinct.
#[test]
fn every_pair_of_short_adversarial_fields_has_its_own_key() {
    let alphabet = [b'a', b'b', b':', b'_', b'/', 0];
    let mut words: Vec<Vec<u8>> = vec![vec![]];
    let mut last = words.clone();
    for _ in 0..4 {
        last = last.iter().flat_map(|word| alphabet.map(|byte| [word.as_slice(), &[byte]].concat())).collect();
        words.extend(last.iter().cloned());
    }
    assert_eq!(words.len(), 1_555);
    let [scope, _] = scopes();
    let mut seen = HashSet::with_capacity(words.len() * words.len());
    for one in &words {
        for two in &words {
            assert!(seen.insert(Key::new(&scope, KeyKind::Session, &[one, two])));
        }
    }
}
