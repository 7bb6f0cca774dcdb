fn main() {
    let _ = tenantry::scope::Scope::mint_platform();
}
