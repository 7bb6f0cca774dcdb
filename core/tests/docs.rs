//! Generated docs are what the code says. `TENANTRY_WRITE_DOCS=1 cargo test -p tenantry --test docs` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use tenantry::{
    config::{VARIABLES, VariableKind},
    context_keys::{ALIASES, Action, ContextKey, KeyType, Provenance},
    detect::CATALOGUE,
    error::{CODES, Code, ErrorKind},
};

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

fn context_keys() -> String {
    let mut text = String::from(
        "# Context keys\n\n\
         Generated from `core/src/context_keys.rs`; do not edit. Policies read them as `context.<name>`. A key without `!` is\n\
         optional: guard it with `has`. Keys no part of this version fills are listed, because policies may name them.\n\n\
         P prompt and response, T tool call, R read file, W write file, C connect server.\n\n\
         | key | type | actions | who vouches | filled by |\n|---|---|---|---|---|\n",
    );
    for key in ContextKey::ALL {
        let info = key.info();
        let kind = match info.kind {
            KeyType::Bool => "Bool",
            KeyType::Long => "Long",
            KeyType::String => "String",
            KeyType::Set => "Set&lt;String&gt;",
            KeyType::Record => "Record",
        };
        let letters = [
            (Action::ProcessPrompt, 'P'),
            (Action::CallTool, 'T'),
            (Action::ReadFile, 'R'),
            (Action::WriteFile, 'W'),
            (Action::ConnectServer, 'C'),
        ];
        let actions: String =
            letters.into_iter().filter(|(action, _)| info.allows(*action)).map(|(_, letter)| letter).collect();
        let vouches = match info.provenance {
            Provenance::Engine => "engine",
            Provenance::Verified => "credential",
            Provenance::Registry => "registry",
            Provenance::Measured => "measured",
            Provenance::Claimed => "caller claims",
        };
        let detector =
            CATALOGUE.iter().find(|detector| detector.keys.contains(key)).map_or("", |detector| detector.name);
        let required = if info.required { "!" } else { "" };
        let _ = writeln!(text, "| `{}`{required} | {kind} | {actions} | {vouches} | {detector} |", info.name);
    }
    text.push_str("\n## Raw names\n\nDetectors report some results under names of their own; policies read the key on the right.\n\n");
    for (raw, key) in ALIASES {
        let _ = writeln!(text, "- `{raw}` → `{}`", key.name());
    }
    text
}

#[test]
fn the_page_of_context_keys_is_the_table() {
    let text = context_keys();
    if std::env::var_os("TENANTRY_WRITE_DOCS").is_some() {
        fs::write(page("context-keys.md"), &text).unwrap();
    }
    assert_eq!(fs::read_to_string(page("context-keys.md")).unwrap(), text, "docs/context-keys.md is stale");
}

fn configuration() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         Generated from `core/src/config/variables.rs`; do not edit. What code says comes first, then these variables, then\n\
         `tenantry.toml` in the working folder, then the default.\n\n\
         | variable | in `tenantry.toml` | holds | without it | what it does |\n|---|---|---|---|---|\n",
    );
    for variable in VARIABLES {
        let holds = match variable.kind {
            VariableKind::Text => "text".to_owned(),
            VariableKind::Path => "a path".to_owned(),
            VariableKind::Secret => "a secret".to_owned(),
            VariableKind::Switch => "yes or no".to_owned(),
            VariableKind::Number { least, most } => format!("a number, {least} to {most}"),
        };
        let key = if variable.key.is_empty() { String::new() } else { format!("`{}`", variable.key) };
        let _ = writeln!(text, "| `{}` | {key} | {holds} | {} | {} |", variable.name, variable.default, variable.what);
    }
    text.push_str(
        "\n## Words and numbers\n\n\
         Yes is `true`, `1`, `yes` or `on`; no is `false`, `0`, `no` or `off`; in any case, with blanks around it or not, in\n\
         variables and in `tenantry.toml`. Anything else is refused when the client opens (`config_invalid`, with the name), and\n\
         so is a number that cannot be read or is out of its bounds. Nothing is passed over in silence, also where code says\n\
         something else.\n\n\
         An empty text or `TENANTRY_DATA_DIR` is as good as unset. An empty yes or no, number or root key is refused: it is mostly\n\
         a variable that was to be filled in and was not, and what it was to close must not stay open.\n\n\
         ## Unknown names\n\n\
         A variable that begins with `TENANTRY_` and is not in the table is told once per process, with the name nearest to it:\n\
         by `warnings` in Python, `process.emitWarning` in Node, on standard error elsewhere, and by `tenantry doctor`. Those that\n\
         Kubernetes sets beside a service called `tenantry`, and those of our own tests (`TENANTRY_TEST_…`), are left alone.\n\n\
         ## Of dev mode\n\n\
         `DEV_TENANT_NAME` and `DEV_USER_ID` say whom [dev mode](dev-mode.md) takes a caller for that names nobody.\n",
    );
    text
}

#[test]
fn the_page_of_configuration_is_the_table() {
    let text = configuration();
    if std::env::var_os("TENANTRY_WRITE_DOCS").is_some() {
        fs::write(page("configuration.md"), &text).unwrap();
    }
    assert_eq!(fs::read_to_string(page("configuration.md")).unwrap(), text, "docs/configuration.md is stale");
}

/// Every stable code in the sources and the kind it is made with, found where errors are made.
fn made(folder: &Path, found: &mut Vec<(String, String)>) {
    const MAKERS: [(&str, &str); 7] = [
        ("Error::invalid(", "InvalidArgument"),
        ("Error::not_found(", "NotFound"),
        ("Error::conflict(", "Conflict"),
        ("Error::unavailable(", "Unavailable"),
        ("Error::data(", "Data"),
        (" unauthenticated(", "Unauthenticated"),
        ("Error::new(", ""),
    ];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            made(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            for (call, kind) in MAKERS {
                for (at, _) in code.match_indices(call) {
                    let rest = code[at + call.len()..].trim_start();
                    let (kind, rest) = match (kind, rest.split_once("ErrorKind::")) {
                        ("", Some((_, rest))) => rest.split_once(',').unwrap(),
                        ("", None) => continue,
                        _ => (kind, rest),
                    };
                    let named = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                    if let Some(code) = named.filter(|text| !text.contains(' ')) {
                        found.push((code.to_owned(), kind.to_owned()));
                    }
                }
            }
        }
    }
}

#[test]
fn every_error_code_has_one_kind_and_its_line() {
    let text = fs::read_to_string(page("errors.md")).unwrap();
    for kind in ErrorKind::ALL {
        let row = text.lines().find(|line| line.starts_with(&format!("| {} |", kind.name()))).unwrap();
        let told: BTreeSet<&str> =
            row.split('`').skip(1).step_by(2).filter(|word| Code::named(word).is_some()).collect();
        let known: BTreeSet<&str> = CODES.iter().filter(|code| code.kind == kind).map(|code| code.name).collect();
        assert_eq!(told, known, "{}", kind.name());
    }
    for code in CODES {
        let others = CODES.iter().filter(|other| other.name == code.name).count();
        assert_eq!(others, 1, "`{}` stands twice", code.name);
        assert!(code.help.is_empty() || text.contains(&format!("| {} |", code.help)), "{}", code.name);
    }
    let mut found = Vec::new();
    for folder in ["src", "../server/src"] {
        made(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    assert!(found.len() > 150, "the scan found too little: {}", found.len());
    for (name, kind) in found {
        let code = Code::named(&name).unwrap_or_else(|| panic!("core/src/error/codes.rs lacks `{name}`"));
        assert_eq!(code.kind.name(), kind, "`{name}` is of one kind");
    }
}
