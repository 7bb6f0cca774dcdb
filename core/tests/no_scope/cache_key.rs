use tenantry::scope::{Key, KeyKind};

fn main() {
    let _ = Key::new("acme", KeyKind::Instance, &[b"prod"]);
}
