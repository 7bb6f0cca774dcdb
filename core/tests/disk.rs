//! The disk proves nothing (law 12): what somebody with the disk but without the root key changes or puts there closes what
//! reads it, and nothing else.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/identity.rs"]
mod credentials;
mod support;

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use credentials::code;
use rusqlite::Connection;
use support::{folder_options, limit, on, project, put};
use tenantry::{
    Tenant, Tenantry,
    api::{
        AuditAnchor, AuditClass, AuditQuery, Decision, GrantSpec, GuardRequest, IdentitySettings, KeySpec,
        RequestCredentials, SettingsPatch, Since,
    },
    keyring::Keyring,
    scope::{Layer, Uid},
};

fn ask(tenant: &Tenant) -> Result<Decision, tenantry::Error> {
    tenant.guard().evaluate_blocking(GuardRequest::prompt("hello")).map(|response| response.decision)
}

fn rows(tenant: &Tenant) -> usize {
    tenant.audit().query_blocking(AuditQuery::from(Since::Start).limit(10_000)).unwrap().len()
}

// ---- journals

/// What a harm left in the folder of journals: its name, and whose `verify` has to name it (none: nobody's).
type Harm = (&'static str, fn(&Scene) -> Option<(PathBuf, Whose)>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whose {
    Acme,
    Platform,
}

struct Scene {
    folder: PathBuf,
    acme: Uid,
    /// The journal of a process that was killed, as it was then, under its name.
    name: String,
    bytes: Vec<u8>,
}

impl Scene {
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.join("journal").join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn fresh(&self, bytes: &[u8]) -> PathBuf {
        self.put(&format!("{}.tnj", Uid::random().unwrap().to_hex()), bytes)
    }

    /// Offsets at which the records begin.
    fn records(&self) -> Vec<usize> {
        memchr(&self.bytes)
    }
}

fn memchr(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len().saturating_sub(4)).filter(|at| &bytes[*at..at + 4] == b"tnJ2").collect()
}

fn text(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

/// A row as it was journalled before records proved themselves.
fn plain(scope: Uid, magic: &[u8]) -> Vec<u8> {
    let fields = [text("decision"), text("forged"), text("allow"), text("{}")].concat();
    let payload = [scope.as_bytes().as_slice(), &1_i64.to_be_bytes(), &fields].concat();
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [magic, &length, &crc32fast::hash(&payload).to_be_bytes(), &payload].concat()
}

/// What somebody with another root key writes.
fn foreign(scope: Uid, file: Uid) -> Vec<u8> {
    let key = Keyring::ephemeral().unwrap().journal(file).unwrap();
    let fields = [text("decision"), text("forged"), text("allow"), text("{}")].concat();
    let mut secret = [1_i64.to_be_bytes().as_slice(), &fields].concat();
    let tag = key.seal(0, scope.as_bytes(), &mut secret).unwrap();
    let length = u32::try_from(secret.len() + 16).unwrap().to_be_bytes();
    let check = crc32fast::hash(&[length.as_slice(), &0_u64.to_be_bytes()].concat()).to_be_bytes();
    [b"tnJ2", length.as_slice(), &check, scope.as_bytes(), &secret, &tag].concat()
}

const JOURNAL_HARMS: &[Harm] = &[
    ("nothing at all", |_| None),
    ("an empty file", |scene| {
        scene.fresh(b"");
        None
    }),
    ("a copy put back", |scene| {
        scene.put(&scene.name, &scene.bytes);
        None
    }),
    ("a copy put back, its end cut", |scene| {
        scene.put(&scene.name, &scene.bytes[..scene.bytes.len() - 9]);
        None
    }),
    ("a copy put back, zeros at its end", |scene| {
        scene.put(&scene.name, &[scene.bytes.as_slice(), &[0; 4096]].concat());
        None
    }),
    ("a copy under another name", |scene| Some((scene.fresh(&scene.bytes), Whose::Acme))),
    ("a copy twice in one file", |scene| Some((scene.put(&scene.name, &scene.bytes.repeat(2)), Whose::Acme))),
    ("a copy with its records in another order", |scene| {
        let last = *scene.records().last().unwrap();
        Some((scene.put(&scene.name, &[&scene.bytes[last..], &scene.bytes[..last]].concat()), Whose::Acme))
    }),
    ("a copy with a record taken out", |scene| {
        let records = scene.records();
        let bytes = [&scene.bytes[..records[1]], &scene.bytes[records[2]..]].concat();
        Some((scene.put(&scene.name, &bytes), Whose::Acme))
    }),
    ("a changed byte of a body", |scene| {
        let mut bytes = scene.bytes.clone();
        bytes[scene.records()[1] + 60] ^= 1;
        Some((scene.put(&scene.name, &bytes), Whose::Acme))
    }),
    ("a changed byte of a tag", |scene| {
        let mut bytes = scene.bytes.clone();
        bytes[scene.records()[1] - 1] ^= 0x80;
        Some((scene.put(&scene.name, &bytes), Whose::Acme))
    }),
    ("a longer length", |scene| {
        let mut bytes = scene.bytes.clone();
        bytes[scene.records()[1] + 6] ^= 1;
        Some((scene.put(&scene.name, &bytes), Whose::Acme))
    }),
    ("another scope", |scene| {
        let mut bytes = scene.bytes.clone();
        let at = scene.records()[1] + 12;
        bytes[at..at + 16].copy_from_slice(Uid::CROSSINGS.as_bytes());
        Some((scene.put(&scene.name, &bytes), Whose::Platform))
    }),
    ("junk in the middle", |scene| {
        let at = scene.records()[1];
        let bytes = [&scene.bytes[..at], b"xyz", &scene.bytes[at..]].concat();
        Some((scene.put(&scene.name, &bytes), Whose::Acme))
    }),
    ("a forged row in the old manner", |scene| Some((scene.fresh(&plain(scene.acme, b"tnJ1")), Whose::Acme))),
    ("a forged row without a tag", |scene| Some((scene.fresh(&plain(scene.acme, b"tnJ2")), Whose::Acme))),
    ("a forged row of the platform", |scene| Some((scene.fresh(&plain(Uid::PLATFORM, b"tnJ1")), Whose::Platform))),
    ("a forged row of nobody", |scene| Some((scene.fresh(&plain(Uid::from_bytes([3; 16]), b"tnJ1")), Whose::Platform))),
    ("a row under another root key", |scene| {
        let file = Uid::random().unwrap();
        Some((scene.put(&format!("{}.tnj", file.to_hex()), &foreign(scene.acme, file)), Whose::Acme))
    }),
    ("a checksum without a meaning", |scene| {
        let payload = [[0; 16].as_slice(), b"junk"].concat();
        let frame =
            [b"tnJ1", 20_u32.to_be_bytes().as_slice(), &crc32fast::hash(&payload).to_be_bytes(), &payload].concat();
        Some((scene.fresh(&frame), Whose::Platform))
    }),
    ("a file of junk", |scene| Some((scene.fresh(&b"\x01\xffjunk".repeat(1_000)), Whose::Platform))),
    ("a large file of junk", |scene| Some((scene.fresh(&b"tnJ2junk".repeat(700_000)), Whose::Platform))),
    ("a file of text with no such name", |scene| Some((scene.put("notes.txt", b"hello"), Whose::Platform))),
    ("a journal with no such name", |scene| Some((scene.put("x.tnj", &scene.bytes), Whose::Platform))),
    ("a name without an end", |scene| Some((scene.put(&scene.name[..32], &scene.bytes), Whose::Platform))),
    ("a folder", |scene| {
        let path = scene.folder.join("journal").join(format!("{}.tnj", Uid::random().unwrap().to_hex()));
        fs::create_dir(&path).unwrap();
        Some((path, Whose::Platform))
    }),
    ("a link to a journal", |scene| {
        let elsewhere = scene.folder.join("elsewhere.tnj");
        fs::write(&elsewhere, &scene.bytes).unwrap();
        let path = scene.folder.join("journal").join(&scene.name);
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        Some((path, Whose::Platform))
    }),
    ("a link to nothing", |scene| {
        let path = scene.folder.join("journal").join(format!("{}.tnj", Uid::random().unwrap().to_hex()));
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        Some((path, Whose::Platform))
    }),
    ("a pipe", |scene| {
        let path = scene.folder.join("journal").join(format!("{}.tnj", Uid::random().unwrap().to_hex()));
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        Some((path, Whose::Platform))
    }),
    ("a file nobody may read", |scene| {
        let path = scene.fresh(b"no");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        Some((path, Whose::Platform))
    }),
];

/// The journal of a client that is still open: what a killed process leaves.
fn journal_of(folder: &Path) -> (String, Vec<u8>) {
    let entries = fs::read_dir(folder.join("journal")).unwrap().map(|entry| entry.unwrap());
    let file = entries.max_by_key(|entry| entry.metadata().unwrap().len()).unwrap();
    (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())
}

#[test]
fn what_is_no_journal_record_of_ours_is_set_aside_and_named_and_stops_nothing() {
    for (name, harm) in JOURNAL_HARMS {
        let folder = tempfile::tempdir().unwrap();
        let client = on(folder.path());
        let (acme, globex) = (project(&client, "acme", "prod"), project(&client, "globex", "prod"));
        let required = SettingsPatch { audit_class: Some(AuditClass::Required), ..SettingsPatch::default() };
        globex.settings().update_blocking(required).unwrap();
        client.close_blocking().unwrap();
        drop((acme, globex, client));

        // Of a process that served one project only.
        let client = on(folder.path());
        let acme = client.tenant_blocking("acme", "prod").unwrap();
        for _ in 0..3 {
            assert_eq!(ask(&acme).unwrap(), Decision::Allow);
        }
        let (journal, bytes) = journal_of(folder.path());
        client.close_blocking().unwrap();
        drop((acme, client));

        let client = on(folder.path());
        let tenants =
            || -> [Tenant; 2] { ["acme", "globex"].map(|account| client.tenant_blocking(account, "prod").unwrap()) };
        let [acme, globex] = tenants();
        let before = rows(&acme);
        let uid = Uid::from_hex(&acme.audit().head_blocking().unwrap().scope).unwrap();
        let anchor = acme.audit().head_blocking().unwrap();
        let scene = Scene { folder: folder.path().to_owned(), acme: uid, name: journal, bytes };
        let left = harm(&scene);

        let check = |client: &Tenantry, calls: usize| {
            let [acme, globex] = ["acme", "globex"].map(|account| client.tenant_blocking(account, "prod").unwrap());
            assert_eq!(ask(&acme).unwrap(), Decision::Allow, "{name}");
            assert_eq!(ask(&globex).unwrap(), Decision::Allow, "{name}: required");
            assert_eq!(rows(&acme), before + calls, "{name}: nothing was forged, doubled or lost");
            let verified = [acme.audit().verify_blocking(&anchor).unwrap(), client.admin().verify_blocking().unwrap()];
            let whose = left.as_ref().map(|(path, whose)| (path.file_name().unwrap().to_str().unwrap(), *whose));
            for (report, who) in verified.iter().zip([Whose::Acme, Whose::Platform]) {
                let named = whose.filter(|(_, whose)| *whose == who).map(|(file, _)| file);
                assert_eq!(report.ok, named.is_none(), "{name}: {who:?} {:?}", report.problems);
                assert!(
                    named.is_none_or(|file| report.problems.iter().all(|problem| problem.contains(file))),
                    "{name}"
                );
            }
            assert!(globex.audit().verify_blocking(AuditAnchor::default()).unwrap().ok, "{name}: somebody else's");
            let problems = client.admin().problems_blocking().unwrap();
            assert_eq!(problems.is_empty(), left.is_none(), "{name}: {problems:?}");
            assert!(whose.is_none_or(|(file, _)| problems.iter().any(|problem| problem.contains(file))), "{name}");
        };
        check(&client, 1);
        check(&client, 2);
        client.close_blocking().unwrap();
        drop((acme, globex, client));
        let client = on(folder.path());
        check(&client, 3);
        let Some((path, _)) = &left else { continue };
        assert!(fs::symlink_metadata(path).is_ok(), "{name}: it is kept");
        if path.is_dir() {
            fs::remove_dir(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
        assert!(client.tenant_blocking("acme", "prod").unwrap().audit().verify_blocking(&anchor).unwrap().ok);
        assert!(client.admin().verify_blocking().unwrap().ok, "{name}: it was removed");
        assert!(client.admin().problems_blocking().unwrap().is_empty());
    }
}

#[test]
fn what_somebody_does_to_the_journal_in_use_loses_no_call_that_comes_later() {
    type Change = fn(&Path);
    let changes: &[(&str, Change)] = &[
        ("removed", |path| fs::remove_file(path).unwrap()),
        ("moved", |path| fs::rename(path, path.with_file_name("moved")).unwrap()),
        ("cut", |path| fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap()),
        ("written over", |path| fs::write(path, b"junk junk junk junk").unwrap()),
        ("the folder removed", |path| fs::remove_dir_all(path.parent().unwrap()).unwrap()),
        ("replaced by a folder", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
    ];
    for (name, change) in changes {
        let folder = tempfile::tempdir().unwrap();
        let client = on(folder.path());
        let acme = project(&client, "acme", "prod");
        assert_eq!(ask(&acme).unwrap(), Decision::Allow);
        let before = rows(&acme);
        change(&folder.path().join("journal").join(journal_of(folder.path()).0));
        for calls in 1..5 {
            assert_eq!(ask(&acme).unwrap(), Decision::Allow);
            assert_eq!(rows(&acme), before + calls, "{name}");
        }
        client.close_blocking().unwrap();
        drop((acme, client));
        let client = on(folder.path());
        let acme = client.tenant_blocking("acme", "prod").unwrap();
        assert_eq!(rows(&acme), before + 4, "{name}");
    }
}

// ---- the catalog

/// What closes: the guard of these, in this order: acme/prod, acme/lab, globex/prod.
#[derive(Clone, Copy)]
struct Closes {
    name: &'static str,
    sql: &'static str,
    guards: [bool; 3],
}

const fn closes(name: &'static str, sql: &'static str, guards: [bool; 3]) -> Closes {
    Closes { name, sql, guards }
}

const PROD: [bool; 3] = [true, false, false];
const ACCOUNT: [bool; 3] = [true, true, false];
const ALL: [bool; 3] = [true, true, true];

/// `@prod`, `@acme` and `@globex` stand for uids.
const ROWS: &[Closes] = &[
    closes(
        "a policy's text",
        "UPDATE documents SET body = replace(body, 'forbid', 'permit') WHERE scope = @prod AND name = 'closed'",
        PROD,
    ),
    closes(
        "a policy's mode",
        "UPDATE documents SET body = replace(body, 'enforce', 'monitor') WHERE scope = @prod AND name = 'closed'",
        PROD,
    ),
    closes(
        "a policy's version",
        "UPDATE documents SET version = version + 1 WHERE scope = @prod AND name = 'closed'",
        PROD,
    ),
    closes("a policy's name", "UPDATE documents SET name = 'other' WHERE scope = @prod AND name = 'closed'", PROD),
    closes("a policy's proof", "UPDATE documents SET mac = zeroblob(32) WHERE scope = @prod AND name = 'closed'", PROD),
    closes(
        "a policy's proof taken away",
        "UPDATE documents SET mac = x'' WHERE scope = @prod AND name = 'closed'",
        PROD,
    ),
    closes("a policy's proof no blob", "UPDATE documents SET mac = 1 WHERE scope = @prod AND name = 'closed'", PROD),
    closes(
        "a policy that is no text",
        "UPDATE documents SET body = x'ff' WHERE scope = @prod AND name = 'closed'",
        PROD,
    ),
    closes("a policy made a limit", "UPDATE documents SET kind = 2 WHERE scope = @prod AND name = 'closed'", PROD),
    closes("a policy made nothing", "UPDATE documents SET kind = 99 WHERE scope = @prod AND name = 'closed'", PROD),
    closes("a policy made a head", "UPDATE documents SET kind = 4 WHERE scope = @prod AND name = 'closed'", PROD),
    closes(
        "a policy copied",
        "INSERT INTO documents SELECT scope, kind, 'copy', body, version, mac FROM documents WHERE scope = @prod AND name = 'closed'",
        PROD,
    ),
    closes(
        "a policy from elsewhere",
        "INSERT INTO documents SELECT @prod, kind, name, body, version, mac FROM documents WHERE scope = @globex AND name = 'own'",
        PROD,
    ),
    closes(
        "two policies changed over",
        "UPDATE documents SET body = (SELECT body FROM documents AS other WHERE other.scope = @prod AND other.name = 'baseline') WHERE scope = @prod AND name = 'closed'",
        PROD,
    ),
    closes("a policy put there", "INSERT INTO documents VALUES (@prod, 1, 'mine', '{}', 9, zeroblob(32))", PROD),
    closes(
        "a limit",
        "UPDATE documents SET body = replace(body, '1000', '9000') WHERE scope = @prod AND kind = 2",
        PROD,
    ),
    closes(
        "a limit put there",
        "INSERT INTO documents SELECT scope, 2, 'two', body, version, mac FROM documents WHERE scope = @prod AND kind = 2",
        PROD,
    ),
    closes(
        "settings",
        "UPDATE documents SET body = replace(body, 'enforce', 'monitor') WHERE scope = @prod AND kind = 3",
        PROD,
    ),
    closes("an account's policy", "UPDATE documents SET body = body || ' ' WHERE scope = @acme AND kind = 1", ACCOUNT),
    closes("an account's limit put there", "INSERT INTO documents VALUES (@acme, 2, 'l', '{}', 1, x'')", ACCOUNT),
    closes("the platform's policy put there", "INSERT INTO documents VALUES (zeroblob(16), 1, 'p', '{}', 1, x'')", ALL),
    closes(
        "the platform's limit",
        "UPDATE documents SET body = body || ' ' WHERE scope = zeroblob(16) AND kind = 2",
        ALL,
    ),
    closes("a project's status", "UPDATE tenants SET status = 'suspended' WHERE uid = @prod", PROD),
    closes("a project's facts", "UPDATE tenants SET facts = '{\"tier\":\"gold\"}' WHERE uid = @prod", PROD),
    closes("a project's time", "UPDATE tenants SET created_at = 1 WHERE uid = @prod", PROD),
    closes("a project's version", "UPDATE tenants SET version = version + 1 WHERE uid = @prod", PROD),
    closes(
        "a project's proof",
        "UPDATE tenants SET mac = (SELECT mac FROM tenants AS other WHERE other.uid = @globex) WHERE uid = @prod",
        PROD,
    ),
    closes("a project's name", "UPDATE tenants SET id = 'x', folded = 'x' WHERE uid = @prod", PROD),
    closes(
        "a project under another account",
        "UPDATE tenants SET parent = (SELECT uid FROM tenants WHERE id = 'globex'), id = 'moved', folded = 'moved' WHERE uid = @prod",
        PROD,
    ),
    closes("a project with another uid", "UPDATE tenants SET uid = zeroblob(16) WHERE uid = @prod", PROD),
    closes("a project's facts no text", "UPDATE tenants SET facts = x'00' WHERE uid = @prod", PROD),
    closes("an account's status", "UPDATE tenants SET status = 'suspended' WHERE uid = @acme", ACCOUNT),
    closes("an account's facts", "UPDATE tenants SET facts = '{\"plan\":\"x\"}' WHERE uid = @acme", ACCOUNT),
];

fn with_uids(client: &Tenantry, sql: &str) -> String {
    let project = |account: &str| client.admin().projects().get_blocking(account, "prod").unwrap().uid;
    let acme = client.admin().accounts().get_blocking("acme").unwrap().uid;
    sql.replace("@prod", &format!("x'{}'", project("acme")))
        .replace("@globex", &format!("x'{}'", project("globex")))
        .replace("@acme", &format!("x'{acme}'"))
}

#[test]
fn a_row_of_the_catalog_that_is_not_ours_closes_every_scope_that_reads_it_and_no_other() {
    for Closes { name, sql, guards } in ROWS {
        let folder = tempfile::tempdir().unwrap();
        let client = on(folder.path());
        let places = [("acme", "prod"), ("acme", "lab"), ("globex", "prod")];
        let tenants = places.map(|(account, name)| project(&client, account, name));
        put(&tenants[0], "closed", "forbid (principal, action, resource) when { context.content == \"x\" };");
        put(&tenants[2], "own", "permit (principal, action, resource);");
        let at = |layer: Layer| tenantry::api::LimitSpec { layer, ..limit("l", 1_000, 60_000) };
        tenants[0].limits().set_blocking(at(Layer::Project)).unwrap();
        tenants[0].limits().set_blocking(at(Layer::Platform)).unwrap();
        let account = tenantry::api::PolicySpec {
            layer: Layer::Account,
            ..support::policy("of-account", "permit (principal, action, resource);")
        };
        tenants[0].policies().put_blocking(account).unwrap();
        let sql = with_uids(&client, sql);
        client.close_blocking().unwrap();
        drop((tenants, client));

        let catalog = Connection::open(folder.path().join("catalog.db")).unwrap();
        assert!(catalog.execute(&sql, []).unwrap() > 0, "{name}");
        drop(catalog);
        let client = on(folder.path());
        for ((account, project), closed) in places.iter().zip(guards) {
            let asked = client.tenant_blocking(account, project).and_then(|tenant| ask(&tenant));
            match asked {
                Ok(decision) => assert!(!closed && decision == Decision::Allow, "{name}: {account}/{project}"),
                Err(error) => {
                    assert!(closed, "{name}: {account}/{project} {error}");
                    // What was moved away from its name is not found under it.
                    assert!(["data_untrusted", "scope_not_found"].contains(&error.code()), "{name}: {error}");
                }
            }
        }
        assert!(!client.admin().problems_blocking().unwrap().is_empty(), "{name}: doctor names it");
    }
}

#[test]
fn what_a_folder_says_of_itself_is_proven_too() {
    let harms = [
        "UPDATE installation SET value = 'dev' WHERE name = 'mode'",
        "UPDATE installation SET value = 'x' WHERE name = 'mode'",
        "DELETE FROM installation WHERE name = 'mode'",
        "DELETE FROM installation WHERE name = 'mac'",
        "DELETE FROM installation WHERE name = 'key_id'",
        "UPDATE installation SET value = value || '0' WHERE name = 'mac'",
        "DELETE FROM installation",
    ];
    for harm in harms {
        for dev in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let client = on(folder.path());
            project(&client, "acme", "prod");
            client.close_blocking().unwrap();
            drop(client);
            Connection::open(folder.path().join("catalog.db")).unwrap().execute(harm, []).unwrap();
            let opened = Tenantry::open(tenantry::Options { dev: Some(dev), ..folder_options(folder.path()) });
            assert_eq!(code(opened), "data_untrusted", "{harm}");
        }
    }
}

/// What somebody did to the rows of identity, and which of the doors below it closes.
const CREDENTIALS: &[(&str, &str, &str)] = &[
    (
        "a key's rights",
        "UPDATE credentials SET body = replace(body, 'tools:read', 'tenant:manage') WHERE kind = 1 AND scope = @prod",
        "key",
    ),
    ("a key's end", "UPDATE credentials SET ends_at = ends_at - 1 WHERE kind = 1 AND scope = @prod", "key"),
    ("a key's scope", "UPDATE credentials SET scope = @globex WHERE kind = 1 AND scope = @prod", "key"),
    ("a key's version", "UPDATE credentials SET version = 7 WHERE kind = 1 AND scope = @prod", "key"),
    ("a key's use", "UPDATE credentials SET used_at = 7 WHERE kind = 1 AND scope = @prod", "key"),
    (
        "a key's body from another",
        "UPDATE credentials SET body = (SELECT body FROM credentials AS o WHERE o.kind = 1 AND o.scope = @globex) WHERE kind = 1 AND scope = @prod",
        "key",
    ),
    (
        "a key unrevoked",
        "UPDATE credentials SET body = replace(body, 'revoked_at\":', 'revoked_at\":null,\"was\":') WHERE kind = 1 AND scope = @prod",
        "key",
    ),
    ("a key no text", "UPDATE credentials SET body = x'00' WHERE kind = 1 AND scope = @prod", "key"),
    ("a revocation's time", "UPDATE credentials SET body = '99999999999999999' WHERE kind = 3", "revoked"),
    ("a revocation's end", "UPDATE credentials SET ends_at = ends_at - 1 WHERE kind = 3", "revoked"),
    (
        "a grant's actions",
        "UPDATE credentials SET body = replace(body, 'process_prompt', 'tenant:manage') WHERE kind = 5",
        "grant",
    ),
    (
        "a grant put there",
        "INSERT INTO credentials SELECT 5, 'mine', scope, body, version, ends_at, used_at, mac FROM credentials WHERE kind = 5",
        "none",
    ),
    ("an issuer's accounts", "UPDATE credentials SET body = replace(body, 'acme', 'globex') WHERE kind = 6", "issuer"),
    ("an issuer under another name", "UPDATE credentials SET id = 'https://other.example' WHERE kind = 6", "issuer"),
    (
        "an issuer put there",
        "INSERT INTO credentials VALUES (6, 'https://mine.example', zeroblob(16), '{}', 1, 9, 0, x'')",
        "none",
    ),
    (
        "settings of identity",
        "UPDATE credentials SET body = replace(body, 'tenantry.local', 'evil.local') || ' ' WHERE kind = 7",
        "key revoked grant issuer",
    ),
    ("a row of no kind", "INSERT INTO credentials VALUES (77, 'x', zeroblob(16), '{}', 1, 9, 0, x'')", "none"),
    ("a kind that is no number", "INSERT INTO credentials VALUES ('x', 'x', zeroblob(16), '{}', 1, 9, 0, x'')", "none"),
];

#[test]
fn a_credential_that_is_not_ours_is_none_and_no_others_end_with_it() {
    for (name, sql, closed) in CREDENTIALS {
        let folder = tempfile::tempdir().unwrap();
        let client = on(folder.path());
        for account in ["acme", "globex"] {
            project(&client, account, "prod");
        }
        let identity = client.identity();
        let settings = IdentitySettings { access_token_seconds: 901, ..identity.settings_blocking().unwrap() };
        identity.put_settings_blocking(settings).unwrap();
        let key = |account: &str| {
            let spec = KeySpec {
                name: "test".into(),
                account_id: account.into(),
                project_id: "prod".into(),
                scopes: vec!["tools:read".into()],
                ..KeySpec::default()
            };
            identity.keys().create_blocking(spec).unwrap()
        };
        let (own, other) = (key("acme"), key("globex"));
        // Another account's, so that the key that is changed is alone in its scope.
        client.admin().accounts().create_blocking("third").unwrap();
        client.admin().projects().create_blocking("third", "prod").unwrap();
        let ended = key("third");
        identity.keys().revoke_blocking(&ended.record.id).unwrap();
        let issuer = tenantry::api::IssuerSpec { accounts: vec!["acme".into()], ..credentials::issuer(&["acme"]) };
        identity.issuers().put_blocking(issuer).unwrap();
        client
            .admin()
            .grants()
            .create_blocking(GrantSpec {
                from_account: "globex".into(),
                to_account: "acme".into(),
                to_project: "prod".into(),
                actions: vec!["process_prompt".into()],
                reason: "a test".into(),
                expires_in_seconds: 3_600,
                ..GrantSpec::default()
            })
            .unwrap();
        let sql = with_uids(&client, sql);
        client.close_blocking().unwrap();
        drop((identity, client));

        let catalog = Connection::open(folder.path().join("catalog.db")).unwrap();
        let changed = catalog.execute(&sql, []).unwrap();
        drop(catalog);
        if changed == 0 && *closed == "revoked" {
            // A revoked key says so in its own row.
            continue;
        }
        assert!(changed > 0, "{name}");
        let client = on(folder.path());
        let enter = |headers: &[(&str, &str)]| {
            let entered = client.authenticate_blocking(&RequestCredentials::headers(headers.iter().copied()));
            code(entered.and_then(|tenant| ask(&tenant)))
        };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let token =
            credentials::token(serde_json::json!({ "exp": now + 600, "account_id": "acme", "project_id": "prod",
            "scope": "tools:read" }));
        let crossing = [("X-API-Key", other.key.as_str()), ("X-Account-ID", "acme"), ("X-Project-ID", "prod")];
        let doors = [
            ("key", enter(&[("X-API-Key", &own.key)])),
            ("grant", enter(&crossing)),
            ("issuer", enter(&[("Authorization", &format!("Bearer {token}")), ("X-Project-ID", "prod")])),
        ];
        for (door, code) in doors {
            let is_closed = closed.split(' ').any(|one| one == door);
            assert_eq!(!code.is_empty(), is_closed, "{name}: {door} {code}");
            let expected = ["data_untrusted", "issuer_unknown"];
            assert!(!is_closed || expected.contains(&code.as_str()), "{name}: {door} {code}");
        }
        assert!(!enter(&[("X-API-Key", &ended.key)]).is_empty(), "{name}: what was revoked stays so");
        let globex = enter(&[("X-API-Key", &other.key)]);
        assert_eq!(globex.is_empty(), !closed.contains("key revoked"), "{name}: globex {globex}");
        assert!(!client.admin().problems_blocking().unwrap().is_empty(), "{name}: doctor names it");
        assert_eq!(ask(&client.tenant_blocking("globex", "prod").unwrap()).unwrap(), Decision::Allow, "{name}");
    }
}

// ---- permissions

fn modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = vec![(folder.to_owned(), fs::metadata(folder).unwrap().mode() & 0o777)];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(modes(&path));
        } else {
            found.push((path.clone(), fs::metadata(&path).unwrap().mode() & 0o777));
        }
    }
    found
}

/// Every kind of file: catalog, ledger, counters, journal, sessions.
fn fill(folder: &Path) -> Tenantry {
    let client = on(folder);
    let acme = match client.tenant_blocking("acme", "prod") {
        Ok(acme) => acme,
        Err(_) => project(&client, "acme", "prod"),
    };
    let shared = tenantry::api::LimitSpec { shared: true, ..limit("l", 1_000, 60_000) };
    acme.limits().set_blocking(shared).unwrap();
    let request = GuardRequest { session_id: Some("s".into()), ..GuardRequest::prompt("hello") };
    acme.guard().evaluate_blocking(request).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(400));
    client
}

fn assert_private(folder: &Path, when: &str) {
    for (path, mode) in modes(folder) {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{when}: {}", path.display());
    }
}

/// Run by the test below, under a umask of its own: a umask is the whole process's.
#[test]
fn under_a_umask() {
    let Some(folder) = std::env::var_os("TENANTRY_TEST_FOLDER") else { return };
    let folder = PathBuf::from(folder).join("a").join("data");
    let client = fill(&folder);
    assert!(modes(&folder).len() > 9, "{:?}", modes(&folder));
    assert_private(&folder, "made");
    client.close_blocking().unwrap();
    drop(client);
    assert_private(&folder, "closed");
    // As an earlier version, or a restore, left them.
    for (path, _) in modes(&folder) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let client = fill(&folder);
    assert_private(&folder, "opened");
    client.close_blocking().unwrap();
}

#[test]
fn a_data_folder_is_its_owners_alone_whatever_the_umask() {
    for umask in ["0", "022", "077", "027", "002"] {
        let folder = tempfile::tempdir().unwrap();
        let own = std::env::current_exe().unwrap();
        let ended = std::process::Command::new("sh")
            .args(["-c", "umask $0; exec \"$1\" --exact under_a_umask", umask])
            .arg(own)
            .env("TENANTRY_TEST_FOLDER", folder.path())
            .output()
            .unwrap();
        assert!(ended.status.success(), "{umask}: {}", String::from_utf8_lossy(&ended.stdout));
    }
}

#[test]
fn a_root_key_that_others_can_read_is_refused_unless_root_put_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, support::KEY).unwrap();
    let is_root = fs::metadata(&path).unwrap().uid() == 0;
    for (mode, anybody, root) in [
        (0o600, true, true),
        (0o400, true, true),
        (0o640, false, true),
        (0o644, false, true),
        (0o440, false, true),
        (0o660, false, false),
        (0o666, false, false),
        (0o602, false, false),
        (0o777, false, false),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let own = if is_root { root } else { anybody };
        assert_eq!(tenantry::disk::keeps_a_secret(&path).unwrap(), own, "{mode:o}");
        if is_root {
            std::os::unix::fs::chown(&path, Some(1234), None).unwrap();
            assert_eq!(tenantry::disk::keeps_a_secret(&path).unwrap(), anybody, "{mode:o}");
            std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        }
    }
}

// ---- sessions

#[test]
fn the_disk_tells_no_sessions_id_and_a_changed_session_is_refused() {
    let harms = [
        "UPDATE sessions SET turns = replace(turns, '\"turns\":2', '\"turns\":1') WHERE id = @one",
        "UPDATE sessions SET turns = '{}' WHERE id = @one",
        "UPDATE sessions SET turns = x'00' WHERE id = @one",
        "UPDATE sessions SET expires = expires + 1 WHERE id = @one",
        "UPDATE sessions SET sealed = '' WHERE id = @one",
        "UPDATE sessions SET turns = '{}', sealed = (SELECT sealed FROM sessions WHERE id <> @one) WHERE id = @one",
    ];
    for harm in harms {
        let folder = tempfile::tempdir().unwrap();
        let client = on(folder.path());
        let acme = project(&client, "acme", "prod");
        let turn = |tenant: &Tenant, session: &str| {
            let request = GuardRequest { session_id: Some(session.into()), ..GuardRequest::prompt("hello") };
            code(tenant.guard().evaluate_blocking(request))
        };
        for (session, turns) in [("a-session-of-mine", 2), ("another", 1)] {
            (0..turns).for_each(|_| assert_eq!(turn(&acme, session), ""));
        }
        client.close_blocking().unwrap();
        drop((acme, client));
        let uid_file = fs::read_dir(folder.path().join("projects")).unwrap();
        let mut file = PathBuf::new();
        for path in uid_file.map(|entry| entry.unwrap().path()) {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(9).any(|part| part == b"a-session"), "{}", path.display());
            if path.extension().is_some_and(|end| end == "db") {
                file = path;
            }
        }
        let sessions = Connection::open(file).unwrap();
        let one: String = sessions
            .query_row("SELECT id FROM sessions WHERE turns LIKE '%\"turns\":2,%'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(sessions.execute(&harm.replace("@one", &format!("'{one}'")), []).unwrap(), 1);
        drop(sessions);
        let client = on(folder.path());
        let acme = client.tenant_blocking("acme", "prod").unwrap();
        for _ in 0..2 {
            assert_eq!(turn(&acme, "a-session-of-mine"), "data_untrusted", "{harm}");
            assert_eq!(turn(&acme, "another"), "", "{harm}");
            assert_eq!(turn(&acme, "a-third"), "", "{harm}");
        }
    }
}
