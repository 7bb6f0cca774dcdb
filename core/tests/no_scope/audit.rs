use tenantry::{api::Since, audit::Audit};

fn query(audit: &Audit) {
    let _ = audit.query("acme", Since::Start, 1);
}

fn main() {}
