//! The copy of the server's description in `docs/` is the description. `TENANTRY_WRITE_DOCS=1` writes it anew.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, path::Path};

use tenantry_server::http::{openapi, table};

#[test]
fn the_copy_in_docs_is_the_description() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let document = openapi::document(&table::routes(), "http://127.0.0.1:8787");
    let text = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
    if std::env::var_os("TENANTRY_WRITE_DOCS").is_some() {
        std::fs::write(&page, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(page).unwrap(), text, "docs/openapi.json is stale");
}

#[test]
fn names_are_given_once() {
    let routes = table::routes();
    let names: BTreeSet<&str> = routes.iter().map(|route| route.name.as_ref()).collect();
    assert_eq!(names.len(), routes.len());
}
