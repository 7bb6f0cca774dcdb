//! The built library and the generated files belong together.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::{fs, path::PathBuf, time::SystemTime};

use tenantry_go_gen::{Surface, files};

/// The newest archive beside this test: cargo has just built it from the sources as they are.
fn library() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let archives = fs::read_dir(deps).unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?;
        (name.starts_with("libtenantry_go-") && path.extension()? == "rlib").then_some(path)
    });
    archives
        .max_by_key(|path| path.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH))
        .unwrap()
}

#[test]
fn every_generated_file_is_what_the_library_asks_for() {
    let surface = Surface::of_library(library().to_str().unwrap().into()).unwrap();
    assert_eq!(surface.fingerprint(), tenantry_go::tenantry_layout_fingerprint(), "src/abi/layout.rs is stale");
    for (name, text) in files(&surface).unwrap() {
        let present = fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(present == text, "{name} is stale: run bindings-go/build.py");
    }
}
