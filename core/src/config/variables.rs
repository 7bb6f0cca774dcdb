//! The environment variables a process is configured by. Owns the one table they are read, checked and documented from;
//! touches only `error`.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fmt,
    io::Write as _,
    path::PathBuf,
};

use parking_lot::Mutex;

use crate::error::{Error, Result};

/// What the names of all variables begin with.
const PREFIX: &str = "TENANTRY_";
/// Most unknown variables told of, and most letters of a name that are looked at: what a platform sets is not ours to bound.
const MAX_UNKNOWN: usize = 20;
const MAX_NAME: usize = 64;

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableKind {
    /// Text; empty means unset.
    Text,
    /// The path of a file or folder.
    Path,
    /// Text that is never shown.
    Secret,
    /// A word for yes or no.
    Switch,
    /// A whole number from `least` to `most`.
    Number {
        /// The least that is taken.
        least: u64,
        /// The most that is taken.
        most: u64,
    },
}

/// One variable: a row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name, e.g. `TENANTRY_DEV`.
    pub name: &'static str,
    /// What it holds.
    pub kind: VariableKind,
    /// What holds without it.
    pub default: &'static str,
    /// The key of `tenantry.toml` that says the same; empty where there is none.
    pub key: &'static str,
    /// What it does, in a sentence.
    pub what: &'static str,
}

macro_rules! table {
    ($($name:ident: $kind:expr, $default:literal, $key:literal, $what:literal;)+) => {
        $(
            #[doc = $what]
            pub const $name: Variable = Variable {
                name: concat!("TENANTRY_", stringify!($name)),
                kind: $kind,
                default: $default,
                key: $key,
                what: $what,
            };
        )+
        /// Every variable there is.
        pub const VARIABLES: &[Variable] = &[$($name),+];
    };
}

table! {
    DATA_DIR: VariableKind::Path, "`.tenantry` in the working folder", "data_dir",
        "The data folder; made at first use.";
    DEV: VariableKind::Switch, "off", "dev",
        "Opens the data folder in dev mode.";
    REQUIRE_CREDENTIALS: VariableKind::Switch, "off", "require_credentials",
        "Refuses `tenant(account, project)`: tenants are then named by verified credentials only.";
    API_KEY: VariableKind::Secret, "none: the client is the process itself", "",
        "The credential the client acts with.";
    ACCOUNT_ID: VariableKind::Text, "none", "account_id",
        "The account the client acts in.";
    PROJECT_ID: VariableKind::Text, "`default`", "project_id",
        "The project the client acts in.";
    URL: VariableKind::Text, "none: the engine is embedded", "url",
        "A server to use instead of the embedded engine; refused by this version.";
    DEADLINE_MS: VariableKind::Number { least: 1, most: 3_600_000 }, "250; 1000 behind `tenantry serve`", "deadline_ms",
        "How long a call may take, in milliseconds.";
    ROOT_KEY: VariableKind::Secret, "the file `tenantry/root.key` in `$XDG_CONFIG_HOME`, else in `~/.config`; made at first use", "",
        "The root key: 32 bytes in hexadecimal or base64.";
    ROOT_KEY_FILE: VariableKind::Path, "as of `TENANTRY_ROOT_KEY`, which comes first", "",
        "A file with the root key.";
    WORKER_THREADS: VariableKind::Number { least: 1, most: 64 }, "one per core, at most 4", "",
        "Threads for work that has to wait.";
    IDLE_SECONDS: VariableKind::Number { least: 1, most: 3_600 }, "75", "",
        "How long `tenantry serve` keeps a connection on which nothing is asked; more than the proxy before it does.";
    LEAVE_SECONDS: VariableKind::Number { least: 0, most: 3_600 }, "2", "",
        "How long `tenantry serve` goes on after SIGTERM with `/ready` at 503, so that no more is sent to it.";
}

/// Variables of our own tests and benchmarks. They configure nothing here, and are nobody's mistake.
const OF_TESTS: [&str; 3] = ["TENANTRY_BINARY", "TENANTRY_NODE_PACKAGE", "TENANTRY_WRITE_DOCS"];
const BEGINNINGS_OF_TESTS: [&str; 3] = ["TENANTRY_TEST_", "TENANTRY_CONFORMANCE_", "TENANTRY_BENCH_"];
/// Kubernetes sets these in every container beside a service called `tenantry`.
const OF_KUBERNETES: [&str; 3] = ["TENANTRY_SERVICE_HOST", "TENANTRY_SERVICE_PORT", "TENANTRY_PORT"];

/// The word for yes or no in `text`, in any case and with blanks around it. `place` is where it stands.
pub(super) fn switch(place: &str, text: &str) -> Result<bool> {
    let word = text.trim();
    let is_one_of = |words: [&str; 4]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is_one_of(["true", "1", "yes", "on"]) {
        Ok(true)
    } else if is_one_of(["false", "0", "no", "off"]) {
        Ok(false)
    } else {
        Err(Error::invalid("config_invalid", format!("{place} is no word for yes or no"))
            .with_help("write true or false; 1/0, yes/no and on/off are taken too"))
    }
}

/// The whole number in `text`, within its bounds. `place` is where it stands.
pub(super) fn number(place: &str, text: &str, (least, most): (u64, u64)) -> Result<u64> {
    let digits = text.trim();
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|number| plain && (least..=most).contains(number))
        .ok_or_else(|| Error::invalid("config_invalid", format!("{place} is no whole number from {least} to {most}")))
}

impl Variable {
    /// Its value in this process's environment.
    #[must_use]
    pub fn value(&self) -> Option<OsString> {
        std::env::var_os(self.name)
    }

    /// `value` as text. Empty is unset, secrets aside: an empty secret is one that went missing on its way.
    ///
    /// # Errors
    /// `config_invalid` when it is not UTF-8.
    pub fn text(&self, value: Option<OsString>) -> Result<Option<String>> {
        let Some(value) = value else { return Ok(None) };
        let text = value
            .into_string()
            .map_err(|_| Error::invalid("config_invalid", format!("{} is not UTF-8 text", self.name)))?;
        Ok(Some(text).filter(|text| self.kind == VariableKind::Secret || !text.is_empty()))
    }

    /// `value` as a path.
    #[must_use]
    pub fn path(&self, value: Option<OsString>) -> Option<PathBuf> {
        value.map(PathBuf::from)
    }

    /// `value` as a yes or no. Empty is neither: what was meant did not arrive, and the door may not stay open for it.
    ///
    /// # Errors
    /// `config_invalid`.
    pub fn switch(&self, value: Option<OsString>) -> Result<Option<bool>> {
        value.map(|value| switch(self.name, &value.to_string_lossy())).transpose()
    }

    /// `value` as a number within its bounds.
    ///
    /// # Errors
    /// `config_invalid`.
    pub fn number(&self, value: Option<OsString>) -> Result<Option<u64>> {
        let bounds = self.bounds();
        value.map(|value| number(self.name, &value.to_string_lossy(), bounds)).transpose()
    }

    /// The least and the most it may be; for what is no number, anything.
    #[must_use]
    pub const fn bounds(&self) -> (u64, u64) {
        match self.kind {
            VariableKind::Number { least, most } => (least, most),
            _ => (0, u64::MAX),
        }
    }

    /// Whether `value` can be read as what the variable holds.
    pub(super) fn check(&self, value: Option<OsString>) -> Result<()> {
        match self.kind {
            VariableKind::Text | VariableKind::Secret => self.text(value).map(drop),
            VariableKind::Path => Ok(()),
            VariableKind::Switch => self.switch(value).map(drop),
            VariableKind::Number { .. } => self.number(value).map(drop),
        }
    }
}

/// A variable whose name begins as ours do, and which nothing reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVariable {
    /// Its name, cut where it is long.
    pub name: String,
    /// The name nearest to it.
    pub nearest: &'static str,
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the variable {} is not read by Tenantry; the nearest name is {}", self.name, self.nearest)
    }
}

/// What of these names begins as ours do and is none.
pub fn unknown_among(names: impl IntoIterator<Item = OsString>) -> Vec<UnknownVariable> {
    let mut unknown: Vec<UnknownVariable> = names
        .into_iter()
        .filter(|name| is_unknown(name))
        .map(|name| {
            let name: String = name.to_string_lossy().chars().take(MAX_NAME).flat_map(char::escape_debug).collect();
            UnknownVariable { nearest: nearest(&name), name }
        })
        .collect();
    unknown.sort_by(|a, b| a.name.cmp(&b.name));
    unknown.truncate(MAX_UNKNOWN);
    unknown
}

/// The unknown variables of this process.
#[must_use]
pub fn unknown_variables() -> Vec<UnknownVariable> {
    unknown_among(std::env::vars_os().map(|(name, _)| name))
}

/// The unknown variables that this process was not told of yet: each is handed out once.
#[must_use]
pub fn untold_variables() -> Vec<UnknownVariable> {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let unknown = unknown_variables();
    if unknown.is_empty() {
        return unknown;
    }
    // Somebody else is telling, or was when the process forked.
    let Some(mut told) = TOLD.try_lock() else { return Vec::new() };
    unknown.into_iter().filter(|variable| told.len() < MAX_UNKNOWN && told.insert(variable.name.clone())).collect()
}

/// Tells on standard error what nobody was told of. A language with a place for warnings takes them before the engine opens.
pub(crate) fn tell_untold() {
    for variable in untold_variables() {
        // A closed standard error is no reason to fail.
        let _ = writeln!(std::io::stderr(), "tenantry: {variable}");
    }
}

fn is_unknown(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let begins =
        |beginning: &str| name.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning));
    let of_kubernetes = |own: &str| {
        name.strip_prefix(own).is_some_and(|rest| rest.is_empty() || (own != OF_KUBERNETES[0] && rest.starts_with('_')))
    };
    begins(PREFIX)
        && !VARIABLES.iter().any(|variable| variable.name == name)
        && !OF_TESTS.contains(&&*name)
        && !BEGINNINGS_OF_TESTS.iter().any(|beginning| name.starts_with(beginning))
        && !OF_KUBERNETES.iter().any(|own| of_kubernetes(own))
}

fn nearest(name: &str) -> &'static str {
    let name = name.to_ascii_uppercase();
    let near = VARIABLES.iter().map(|variable| (distance(&name, variable.name), variable.name));
    near.min_by_key(|(distance, _)| *distance).map_or("", |(_, name)| name)
}

/// How many letters must be put in, left out or changed to make one name of the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, letter) in from.chars().enumerate() {
        let (mut above, mut left) = (line, line + 1);
        for (cell, other) in row.iter_mut().skip(1).zip(to.chars()) {
            let changed = above + usize::from(letter != other);
            above = *cell;
            left = changed.min(above + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
