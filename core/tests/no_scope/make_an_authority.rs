fn main() {
    let _ = tenantry::scope::Authority::everything();
}
