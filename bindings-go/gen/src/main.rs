//! `tenantry-go-gen LIBRARY OUT [--check] [--add-a-field]`: writes the generated files below OUT, or checks them.
//!
//! `--add-a-field` pretends that the first record has one more field: what a codec written before a change looks like
//! to the library after it. For the test that such a codec is refused.

use std::{fs, path::Path, process::ExitCode};

use tenantry_go_gen::{Field, Kind, Result, Surface, files};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("tenantry-go-gen: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let (options, paths): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let [library, out] = paths.as_slice() else {
        return Err("usage: tenantry-go-gen LIBRARY OUT [--check] [--add-a-field]".into());
    };
    let mut surface = Surface::of_library(library.as_str().into())?;
    if options.iter().any(|option| option == "--add-a-field")
        && let Some(record) = surface.records.first_mut()
    {
        record.fields.push(Field { name: "added".into(), docs: "Not there.".into(), kind: Kind::Text });
    }
    let mut stale = Vec::new();
    for (name, text) in files(&surface)? {
        let path = Path::new(out).join(name);
        if fs::read_to_string(&path).is_ok_and(|present| present == text) {
            continue;
        }
        if options.iter().any(|option| option == "--check") {
            stale.push(name);
            continue;
        }
        let folder = path.parent().unwrap_or(Path::new(out));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        println!("wrote {}", path.display());
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("{} are stale: run bindings-go/build.py", stale.join(", ")))
}
