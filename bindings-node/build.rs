//! Links the library as a Node addon.

fn main() {
    // Where the macros write the types, see `scripts/types.mjs`; they do not make the folder.
    if let Some(folder) = std::env::var_os("NAPI_TYPE_DEF_TMP_FOLDER") {
        let _ = std::fs::create_dir_all(folder);
    }
    napi_build::setup();
}
