use tenantry::{scope::Key, store::Cell};

fn charge(key: Key) -> Cell {
    Cell { key, scope: "acme", rate: 1, per_nanos: 1, cost: 1 }
}

fn main() {}
