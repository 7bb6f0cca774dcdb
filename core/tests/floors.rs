//! The house keeps its floors: a room names only rooms below it, and only a short list of callers mints a scope.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    collections::{BTreeMap, BTreeSet},
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

/// Every source below a folder, without its tests, which may build what they like.
fn sources_of(folder: &str) -> BTreeMap<String, String> {
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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
        .into_iter()
        .filter(|path| path.file_name().is_none_or(|name| name != "tests.rs"))
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            (name, without_tests(&fs::read_to_string(&path).unwrap()))
        })
        .collect()
}

fn sources() -> BTreeMap<String, String> {
    sources_of("src")
}

/// A file without the modules and items that exist in tests alone; whatever follows them is kept.
fn without_tests(text: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push(line);
            continue;
        }
        // An item ends at a line as far in as its attribute: with its closing brace, or at once.
        let indent = line.len() - line.trim_start().len();
        for line in lines.by_ref() {
            let own = line.len() - line.trim_start().len() == indent;
            if own && (line.trim_end().ends_with(';') || line.trim() == "}") {
                break;
            }
        }
    }
    kept.join("\n")
}

#[test]
fn what_follows_a_test_module_is_seen() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\nuse c;\nfn d() {}\n";
    assert_eq!(without_tests(text), "fn a() {}\nfn d() {}");
}

fn room_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, rooms)| rooms.contains(&room))
}

/// Rooms named after `crate::`, also inside `use crate::{a::…, b}`.
fn named_rooms(code: &str) -> Vec<String> {
    named_after(code, "crate::")
}

fn named_after(code: &str, start: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices(start) {
        let rest = &code[at + start.len()..];
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

/// Rooms of the ground may name each other, and never in a circle: who reads one of them reads nothing twice.
#[test]
fn no_room_is_reached_from_itself() {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, code) in sources().iter().filter(|(file, _)| *file != "lib.rs") {
        let room = room_of(file).to_owned();
        let others = named_rooms(code).into_iter().filter(|other| *other != room);
        names.entry(room.clone()).or_default().extend(others);
    }
    for start in names.keys() {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&String> = names[start].iter().collect();
        while let Some(room) = next.pop() {
            assert!(room != start, "`{start}` is reached from itself through {reached:?}");
            if reached.insert(room.clone()) {
                next.extend(names.get(room).into_iter().flatten());
            }
        }
    }
}

/// What bindings and the server may name of the core: types that cross, handles, and the few things that carry them.
#[test]
fn bindings_and_the_server_name_only_what_is_theirs() {
    const OPEN: &[&str] = &[
        "api",
        "client",
        "clock",
        "config",
        "context_keys",
        "detect",
        "disk",
        "entropy",
        "error",
        "keyring",
        "operations",
        "policy",
        "runtime",
        "scope",
        "store",
        "testing",
        "usage",
    ];
    for folder in ["../bindings-python/src", "../bindings-node/src", "../bindings-go/src", "../server/src"] {
        for (file, code) in sources_of(folder) {
            for named in named_after(&code, "tenantry::") {
                // `client as core` is read as three names.
                let is_type = named.starts_with(|first: char| first.is_uppercase())
                    || ["self", "as", "core"].contains(&named.as_str());
                assert!(is_type || OPEN.contains(&named.as_str()), "{folder}/{file} names `tenantry::{named}`");
            }
        }
    }
}

/// One door of authorization: nothing beside `access` and `identity` asks what a credential may do.
#[test]
fn only_access_authorizes() {
    for (file, code) in sources() {
        let asks = ["check_platform(", "permissions_of(", ".authority.covers(", "check_cross_tenant_access("];
        let room = room_of(&file);
        let may = ["access", "identity", "scope"].contains(&room)
            // Which tenant a handle is made for, and whose tokens are exchanged, is found out before anybody asks for anything.
            || ["client/embedded.rs", "operations/tokens.rs"].contains(&file.as_str());
        assert!(may || asks.iter().all(|ask| !code.contains(ask)), "{file} authorizes for itself");
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
