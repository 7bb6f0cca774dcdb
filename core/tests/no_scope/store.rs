use tenantry::store::{Catalog, DocumentKind, SqliteCatalog};

fn read(catalog: &SqliteCatalog) {
    let _ = catalog.documents("acme", DocumentKind::Policy);
}

fn main() {}
