use tenantry::{clock::Now, scope::OpaqueId, session::SessionRoom};

fn recall(room: &SessionRoom, id: &OpaqueId, now: Now) {
    let _ = room.recall("acme", id, now);
}

fn main() {}
