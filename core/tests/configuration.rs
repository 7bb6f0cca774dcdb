//! What a process is configured by: words, numbers and names of variables, in every spelling people use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use proptest::prelude::*;
use tenantry::{
    Error, Options, Result, Tenantry,
    config::{Config, Storage, VARIABLES, VariableKind, unknown_among},
};

const NOWHERE: &str = "/nonexistent/tenantry.toml";
const YES: [&str; 4] = ["true", "1", "yes", "on"];
const NO: [&str; 4] = ["false", "0", "no", "off"];
/// Said of a switch, and neither yes nor no.
const NEITHER: [&str; 32] = [
    "",
    " ",
    "\t",
    "y",
    "n",
    "t",
    "f",
    "Y",
    "N",
    "tru",
    "truee",
    "yess",
    "oui",
    "ja",
    "enable",
    "enabled",
    "disabled",
    "2",
    "-1",
    "01",
    "1.0",
    "+1",
    "true false",
    "true,",
    "\"true\"",
    "'1'",
    "null",
    "none",
    "undefined",
    "$DEV",
    "=1",
    "１",
];
const SWITCHES: [&str; 2] = ["TENANTRY_DEV", "TENANTRY_REQUIRE_CREDENTIALS"];

fn with(name: &str, value: impl Into<OsString>) -> Result<Config> {
    let value = value.into();
    Config::resolve_with(Options::default(), |asked| (asked == name).then(|| value.clone()), Path::new(NOWHERE))
}

fn told(config: &Config, name: &str) -> bool {
    if name.ends_with("DEV") { config.dev } else { config.require_credentials }
}

fn is_invalid(error: &Error, name: &str) {
    assert_eq!(error.code(), "config_invalid", "{error}");
    assert!(error.to_string().contains(name), "{error} does not name {name}");
}

/// Every word in three cases with and without blanks, of both switches: 2 × 8 × 3 × 4.
#[test]
fn every_word_for_yes_and_no_is_understood() {
    let mut tried = 0;
    for name in SWITCHES {
        for (words, meant) in [(YES, true), (NO, false)] {
            for word in words {
                let title: String = word[..1].to_uppercase() + &word[1..];
                for spelt in [word.to_owned(), word.to_uppercase(), title] {
                    for spelt in [spelt.clone(), format!(" {spelt}"), format!("{spelt}\n"), format!("\t{spelt}  ")] {
                        assert_eq!(told(&with(name, &spelt).unwrap(), name), meant, "{name}={spelt:?}");
                        tried += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, 192);
}

#[test]
fn any_other_word_is_refused_by_name() {
    for name in SWITCHES {
        for word in NEITHER {
            is_invalid(&with(name, word).unwrap_err(), name);
            // Also where code has said something else: it is never passed over in silence.
            let options = Options { dev: Some(false), require_credentials: Some(true), ..Options::default() };
            let given = |asked: &str| (asked == name).then(|| word.to_owned());
            is_invalid(&Config::resolve_with(options, given, Path::new(NOWHERE)).unwrap_err(), name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// A text is one of the eight words, in some case and with some blanks, or it is refused; nothing is silently off.
    #[test]
    fn a_switch_is_a_word_or_an_error(
        text in prop_oneof!["[ \t\n]{0,3}[a-zA-Z0-9]{0,6}[ \t\n]{0,3}", "(?i)[ ]?(true|yes|on|1|false|no|off|0)[ ]?x?", ".{0,12}"]
    ) {
        let word = text.trim().to_lowercase();
        let meant = if YES.contains(&&*word) { Some(true) } else if NO.contains(&&*word) { Some(false) } else { None };
        for name in SWITCHES {
            let got = with(name, text.as_str());
            match meant {
                Some(meant) => prop_assert_eq!(told(&got.unwrap(), name), meant),
                None => is_invalid(&got.unwrap_err(), name),
            }
        }
    }

    #[test]
    fn a_number_is_within_its_bounds_or_an_error(text in prop_oneof!["[0-9]{1,9}", "[-+ ]?[0-9_.eE]{0,22} ?", ".{0,8}"]) {
        for variable in VARIABLES.iter().filter(|variable| matches!(variable.kind, VariableKind::Number { .. })) {
            let (least, most) = variable.bounds();
            let digits = text.trim();
            let fits = !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<u64>().is_ok_and(|number| (least..=most).contains(&number));
            match with(variable.name, text.as_str()) {
                Ok(_) => prop_assert!(fits, "{}={text:?} was taken", variable.name),
                Err(error) => {
                    prop_assert!(!fits, "{}={text:?}: {error}", variable.name);
                    is_invalid(&error, variable.name);
                }
            }
        }
    }
}

#[test]
fn numbers_at_and_beyond_their_bounds() {
    let at = |text: &str| with("TENANTRY_DEADLINE_MS", text).map(|config| config.deadline.as_millis());
    assert_eq!(at("1").unwrap(), 1);
    assert_eq!(at(" 3600000 ").unwrap(), 3_600_000);
    for text in ["", "0", "3600001", "-5", "1e3", "250ms", "0x10", "1_000", "٣", "18446744073709551616", "+5", "2.5"] {
        is_invalid(&at(text).unwrap_err(), "TENANTRY_DEADLINE_MS");
    }
    for text in ["0", "65", "-1", "many", "", "4.0"] {
        is_invalid(&with("TENANTRY_WORKER_THREADS", text).unwrap_err(), "TENANTRY_WORKER_THREADS");
    }
}

#[test]
fn an_empty_text_is_unset_and_an_unreadable_one_is_refused() {
    for name in ["TENANTRY_DATA_DIR", "TENANTRY_ACCOUNT_ID", "TENANTRY_PROJECT_ID", "TENANTRY_URL", "TENANTRY_API_KEY"]
    {
        let config = with(name, "").unwrap();
        let here = std::env::current_dir().unwrap().join(".tenantry");
        assert_eq!(config.storage, Storage::Folder(here));
        assert!(config.account_id.is_none() && config.project_id.is_none() && config.api_key.is_none());
    }
    #[cfg(unix)]
    for variable in VARIABLES {
        use std::os::unix::ffi::OsStringExt as _;
        let got = with(variable.name, OsString::from_vec(b"a\xff".to_vec()));
        // The file system takes such names.
        if variable.kind == VariableKind::Path {
            got.unwrap();
        } else {
            is_invalid(&got.unwrap_err(), variable.name);
        }
    }
}

#[test]
fn the_file_takes_the_same_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tenantry.toml");
    let read = |line: String| {
        fs::write(&file, line).unwrap();
        Config::resolve_with(Options::default(), |_| None::<String>, &file)
    };
    for (key, name) in [("dev", "DEV"), ("require_credentials", "REQUIRE_CREDENTIALS")] {
        for (words, meant) in [(YES, true), (NO, false)] {
            for word in words {
                let lines = [format!("{key} = {meant}"), format!("{key} = \" {}\"", word.to_uppercase())];
                for line in lines {
                    assert_eq!(told(&read(line.clone()).unwrap(), name), meant, "{line}");
                }
            }
        }
        for word in ["\"\"", "\"maybe\"", "2", "1.5", "[]", "\"y\""] {
            let error = read(format!("{key} = {word}")).unwrap_err();
            assert_eq!(error.code(), "config_invalid");
        }
    }
    for number in ["0", "-1", "3600001", "\"soon\"", "true"] {
        let error = read(format!("deadline_ms = {number}")).unwrap_err();
        is_invalid(&error, "deadline_ms");
    }
    assert_eq!(read("deadline_ms = \"40\"".into()).unwrap().deadline.as_millis(), 40);
}

#[test]
fn an_unknown_name_is_told_with_the_nearest() {
    let near = [
        ("TENANTRY_REQUIRE_CREDENTIAL", "TENANTRY_REQUIRE_CREDENTIALS"),
        ("TENANTRY_REQUIRED_CREDENTIALS", "TENANTRY_REQUIRE_CREDENTIALS"),
        ("TENANTRY_REQUIRE_CREDS", "TENANTRY_REQUIRE_CREDENTIALS"),
        ("TENANTRY_DATADIR", "TENANTRY_DATA_DIR"),
        ("TENANTRY_DATA_FOLDER", "TENANTRY_DATA_DIR"),
        ("TENANTRY_DEADLINE", "TENANTRY_DEADLINE_MS"),
        ("TENANTRY_ROOTKEY", "TENANTRY_ROOT_KEY"),
        ("TENANTRY_ROOT_KEYFILE", "TENANTRY_ROOT_KEY_FILE"),
        ("TENANTRY_WORKERS_THREADS", "TENANTRY_WORKER_THREADS"),
        ("TENANTRY_APIKEY", "TENANTRY_API_KEY"),
        ("TENANTRY_ACCOUNT", "TENANTRY_ACCOUNT_ID"),
        ("TENANTRY_DVE", "TENANTRY_DEV"),
        ("TENANTRY_dev", "TENANTRY_DEV"),
        ("tenantry_dev", "TENANTRY_DEV"),
        ("Tenantry_Url", "TENANTRY_URL"),
        ("TENANTRY_", "TENANTRY_DEV"),
    ];
    for (name, nearest) in near {
        let unknown = unknown_among([OsString::from(name)]);
        assert_eq!(unknown.len(), 1, "{name}");
        assert_eq!((unknown[0].name.as_str(), unknown[0].nearest), (name, nearest));
        assert!(unknown[0].to_string().contains(nearest));
    }
    // Left out, doubled or exchanged: one letter of each name.
    for variable in VARIABLES {
        let name = variable.name;
        for at in "TENANTRY_".len()..name.len() {
            let (before, after) = (&name[..at], &name[at + 1..]);
            for wrong in [
                format!("{before}{after}"),
                format!("{before}{}{}", &name[at..=at], &name[at..]),
                format!("{before}X{after}"),
            ] {
                if VARIABLES.iter().all(|known| known.name != wrong) {
                    let unknown = unknown_among([OsString::from(&wrong)]);
                    assert_eq!(unknown.len(), 1, "{wrong}");
                }
            }
        }
    }
    let ours = VARIABLES.iter().map(|variable| variable.name);
    let quiet = [
        "TENANTRY_TEST_CHILD",
        "TENANTRY_BINARY",
        "TENANTRY_SERVICE_HOST",
        "TENANTRY_PORT_8787_TCP",
        "TENANTRY_PORT",
        "TENANTRY_CONFORMANCE_GO",
        "TENANTRY_WRITE_DOCS",
        "TENANT_DEV",
        "PATH",
        "",
        "TENANTRYDEV",
    ];
    assert_eq!(unknown_among(ours.chain(quiet).map(OsString::from)), []);
    // Whatever others set is bounded, and cannot break a line of log.
    let many = (0..1_000).map(|number| OsString::from(format!("TENANTRY_{number}\n{}", "x".repeat(10_000))));
    let told = unknown_among(many);
    assert_eq!(told.len(), 20);
    assert!(told.iter().all(|unknown| unknown.name.len() < 100 && !unknown.name.contains('\n')));
}

/// A process of its own, since a variable is one: what it says on standard error, and whether it opened a client.
fn child(variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_child_opens_a_client", "--nocapture"]).env("TENANTRY_TEST_CHILD", "1");
    for variable in VARIABLES {
        command.env_remove(variable.name);
    }
    let done = command.envs(variables.iter().copied()).output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    (told.contains("opened: "), told)
}

#[test]
fn a_child_opens_a_client() {
    if std::env::var_os("TENANTRY_TEST_CHILD").is_none() {
        return;
    }
    for _ in 0..3 {
        match Tenantry::open(Options { storage: Some(Storage::Memory), ..Options::default() }) {
            Ok(client) => {
                client.admin().accounts().list_blocking().unwrap();
                let named = client.tenant_blocking("acme", "prod");
                println!("opened: {}", named.err().map(|error| error.code().to_owned()).unwrap_or_default());
            }
            Err(error) => println!("refused: {error}"),
        }
    }
}

#[test]
fn a_process_is_told_once_and_never_opens_by_mistake() {
    let (opened, told) = child(&[("TENANTRY_REQUIRE_CREDENTIAL", "true"), ("TENANTRY_DEVV", "1")]);
    assert!(opened, "{told}");
    assert_eq!(told.matches("TENANTRY_REQUIRE_CREDENTIALS").count(), 1, "{told}");
    assert_eq!(told.matches("TENANTRY_DEVV").count(), 1, "{told}");
    for word in ["True", "TRUE", "on", "Yes", " 1 "] {
        let (opened, told) = child(&[("TENANTRY_REQUIRE_CREDENTIALS", word)]);
        assert!(opened && told.contains("opened: credentials_required"), "{word}: {told}");
    }
    for (name, value) in
        [("TENANTRY_REQUIRE_CREDENTIALS", "y"), ("TENANTRY_DEV", "y"), ("TENANTRY_WORKER_THREADS", "lots")]
    {
        let (opened, told) = child(&[(name, value)]);
        assert!(!opened && told.contains("config_invalid") && told.contains(name), "{name}: {told}");
    }
}

/// Every variable goes through the table: nothing else of the product reads the environment by a name of ours.
#[test]
fn no_variable_is_read_beside_the_table() {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in [
        "core/src",
        "server/src",
        "bindings-python/src",
        "bindings-python/python/tenantry",
        "bindings-node/src",
        "bindings-node/src-ts",
        "bindings-go/src",
    ] {
        walk(&root.join(folder), &mut files);
    }
    assert!(files.len() > 100);
    // Texts that are searched for secrets look like it.
    for file in files.iter().filter(|file| !file.ends_with("detect/tests.rs")) {
        let Ok(text) = fs::read_to_string(file) else { continue };
        for reader in ["env::var(\"TENANTRY", "env::var_os(\"TENANTRY", "os.environ", "getenv(\"", "process.env."] {
            assert!(!text.contains(reader), "{} reads the environment by {reader}", file.display());
        }
    }
}
