//! `tenantry-gen` writes the files that are made of the table of operations; `tenantry-gen --check` says which are stale.

use std::{fs, path::Path, process::ExitCode};

use tenantry_gen::{go, model, python, typescript};

fn main() -> ExitCode {
    match run(std::env::args().any(|argument| argument == "--check")) {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) => {
            eprintln!("stale, write them with `make generate`:\n  {}", stale.join("\n  "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the files, or names those that differ from what would be written.
fn run(check: bool) -> model::Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let model = model::model()?;
    let mut files = vec![("core/src/operations/table.hash".to_owned(), format!("{}\n", model.hash))];
    files.extend(typescript::files(&model)?);
    files.extend(python::files(&model)?);
    files.extend(go::files(&model)?);
    let mut stale = Vec::new();
    for (path, text) in files {
        let place = root.join(&path);
        if fs::read_to_string(&place).is_ok_and(|found| found == text) {
            continue;
        }
        if check {
            stale.push(path);
            continue;
        }
        let written = place.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&place, text));
        written.map_err(|error| format!("{path}: {error}"))?;
        println!("{path}");
    }
    Ok(stale)
}
