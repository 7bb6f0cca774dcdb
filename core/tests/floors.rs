//! The house keeps its floors: a room names only rooms below it, and only a short list of callers mints a scope.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Rooms by floor, from the ground up. Rooms of the middle never name each other.
const FLOORS: &[(&str, &[&str])] = &[
    (
        "ground",
        &[
            "api",
            "scope",
            "context_keys",
            "error",
            "config",
            "clock",
            "runtime",
            "cache",
            "entropy",
            "testing",
            "keyring",
            "disk",
            "workers",
            "nearest",
        ],
    ),
    ("store", &["store", "net"]),
    ("middle", &["detect", "policy", "identity", "session", "quota", "redact", "audit", "usage"]),
    ("tenant", &["tenant"]),
    ("rooms", &["rooms"]),
    ("access", &["access"]),
    ("guard", &["guard"]),
    ("operations", &["operations"]),
    ("client", &["client"]),
];

/// Who may mint a scope: the registry, which read it from the catalog, and `scope` itself.
const MAY_MINT: &[&str] = &["scope.rs", "tenant.rs", "tenant/registry.rs"];
/// Who may make an authority: `scope` itself, the client, which is the process, and the rooms that read verified credentials.
const MAY_AUTHORISE: &[&str] =
    &["scope.rs", "client/embedded.rs", "identity/api_keys.rs", "identity/dev.rs", "identity/issuers.rs"];

fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
        .into_iter()
        .filter(|path| path.file_name().is_none_or(|name| name != "tests.rs"))
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap();
            // Tests may build what they like.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            (name, code)
        })
        .collect()
}

fn room_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, rooms)| rooms.contains(&room))
}

/// Rooms named after `crate::`, also inside `use crate::{a::…, b}`.
fn named_rooms(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut word = String::new();
            let mut at_start = true;
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 1 && (character.is_alphanumeric() || character == '_') && at_start {
                    word.push(character);
                } else {
                    if !word.is_empty() {
                        named.push(std::mem::take(&mut word));
                    }
                    at_start = depth == 1 && (character == ',' || (at_start && character.is_whitespace()));
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            named.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    named
}

#[test]
fn every_file_belongs_to_a_room_with_a_floor() {
    for file in sources().keys().filter(|file| *file != "lib.rs") {
        assert!(floor_of(room_of(file)).is_some(), "{file} is in no room; add it to FLOORS or move it");
    }
}

#[test]
fn rooms_name_only_rooms_below_them() {
    for (file, code) in sources().iter().filter(|(file, _)| *file != "lib.rs") {
        let (room, floor) = (room_of(file), floor_of(room_of(file)).unwrap());
        for named in named_rooms(code) {
            let Some(other) = floor_of(&named) else {
                panic!("{file} names `crate::{named}`, which is no room");
            };
            let same_room = named == room;
            let ground = floor == 0 && other == 0;
            assert!(same_room || ground || other < floor, "{file} names `{named}`, which is not below it");
        }
    }
}

#[test]
fn only_the_registry_mints_scopes_and_only_the_client_authorities() {
    for (file, code) in sources() {
        assert!(!code.contains("mint_") || MAY_MINT.contains(&file.as_str()), "{file} mints a scope");
        let makers = ["everything", "account", "projects"];
        let authorises = makers.iter().any(|maker| code.contains(&format!("Authority::{maker}(")));
        assert!(!authorises || MAY_AUTHORISE.contains(&file.as_str()), "{file} makes an authority");
    }
}

#[test]
fn rooms_say_what_they_own_and_are_read_in_one_sitting() {
    for (file, code) in sources() {
        assert!(code.starts_with("//! "), "{file} does not say what it owns");
        assert!(code.lines().count() <= 600, "{file} is longer than a newcomer reads in one sitting");
    }
}

#[test]
fn keys_are_never_joined_strings() {
    for (file, code) in sources() {
        for line in code.lines().filter(|line| line.contains("Key::new(") || line.contains("CacheKey")) {
            assert!(!line.contains("format!"), "{file}: {line}");
        }
    }
}
