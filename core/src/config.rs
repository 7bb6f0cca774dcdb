//! What a client is opened with. Owns the order code > `TENANTRY_*` > `tenantry.toml` > defaults, and says where each
//! value came from; touches only `error`. Every variable is read by the table in `config/variables.rs`.

mod root_key;
mod variables;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

pub use root_key::RootKey;
use serde::Deserialize;
pub(crate) use variables::tell_untold;
pub use variables::{
    ACCOUNT_ID, API_KEY, DATA_DIR, DEADLINE_MS, DEV, IDLE_SECONDS, LEAVE_SECONDS, PROJECT_ID, REQUIRE_CREDENTIALS,
    ROOT_KEY, ROOT_KEY_FILE, URL, UnknownVariable, VARIABLES, Variable, VariableKind, WORKER_THREADS, unknown_among,
    unknown_variables, untold_variables,
};

use crate::error::{Error, Result};

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Given in code.
    Code,
    /// A `TENANTRY_*` variable.
    Environment,
    /// `tenantry.toml` in the working folder.
    File,
    /// Nobody said.
    Default,
}

/// A credential an app passes in. Never prints.
#[derive(Clone)]
pub struct Credential(String);

impl Credential {
    /// Wraps the text of an API key or token.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever verifies it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether there is any text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// Where the engine keeps what it must not forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A folder; made at first use.
    Folder(PathBuf),
    /// Memory only: gone with the client. For tests and throw-away use.
    Memory,
}

impl Storage {
    /// The same place wherever the process stands later: a daemon forks and changes its folder.
    fn anchored(self) -> Result<Self> {
        let Self::Folder(folder) = self else { return Ok(self) };
        std::path::absolute(&folder).map(Self::Folder).map_err(|error| {
            let text = format!("the data folder `{}` cannot be found from here", folder.display());
            Error::unavailable("data_dir_unavailable", text)
                .with_help("give an absolute path with data_dir or TENANTRY_DATA_DIR")
                .with_source(error)
        })
    }
}

/// What code may say; everything else is looked up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where data lives.
    pub storage: Option<Storage>,
    /// Dev mode: see `docs/dev-mode.md`.
    pub dev: Option<bool>,
    /// A credential to act with.
    pub api_key: Option<Credential>,
    /// Whether tenants are named by verified credentials only: `tenant(account, project)` is then refused.
    pub require_credentials: Option<bool>,
    /// The account to act in.
    pub account_id: Option<String>,
    /// The project to act in.
    pub project_id: Option<String>,
    /// A server to talk to instead of the embedded engine.
    pub base_url: Option<String>,
    /// How long a call may take.
    pub deadline: Option<Duration>,
    /// The root key.
    pub root_key: Option<RootKey>,
    /// Sent when remote; recorded as request metadata when embedded.
    pub default_headers: BTreeMap<String, String>,
}

/// Everything resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where data lives.
    pub storage: Storage,
    /// Whether dev mode is asked for.
    pub dev: bool,
    /// A credential to act with.
    pub api_key: Option<Credential>,
    /// Whether `tenant(account, project)` is refused.
    pub require_credentials: bool,
    /// The account to act in.
    pub account_id: Option<String>,
    /// The project to act in.
    pub project_id: Option<String>,
    /// How long a call may take.
    pub deadline: Duration,
    /// The root key, if given in code.
    pub root_key: Option<RootKey>,
    /// Recorded in the audit; those that carry credentials are left out.
    pub default_headers: BTreeMap<String, String>,
    /// Where each value came from.
    pub origins: BTreeMap<&'static str, Origin>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data_dir: Option<PathBuf>,
    dev: Option<Word>,
    require_credentials: Option<Word>,
    account_id: Option<String>,
    project_id: Option<String>,
    url: Option<String>,
    deadline_ms: Option<Word>,
}

/// A yes or no, or a number: as TOML writes it, or as a variable does.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "true or false, a word for it, or a whole number")]
enum Word {
    Is(bool),
    Number(i64),
    Text(String),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(yes) => yes.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The default deadline of an embedded call.
pub const EMBEDDED_DEADLINE: Duration = Duration::from_millis(250);

impl Config {
    /// Resolves `options` against the process environment and `tenantry.toml` in the working folder.
    pub fn resolve(options: Options) -> Result<Self> {
        Self::resolve_with(options, |name| std::env::var_os(name), Path::new("tenantry.toml"))
    }

    /// As [`Config::resolve`], with the surroundings given.
    ///
    /// # Errors
    /// `config_invalid` for a variable or a line of the file that cannot be read as what it holds, also where `options` say
    /// something else: it is never passed over in silence.
    pub fn resolve_with<V: Into<OsString>>(
        options: Options,
        variable: impl Fn(&str) -> Option<V>,
        file: &Path,
    ) -> Result<Self> {
        let value = |known: &Variable| variable(known.name).map(Into::into);
        for known in VARIABLES {
            known.check(value(known))?;
        }
        let text = |known: &Variable| known.text(value(known));
        let place = |key: &str| format!("`{key}` of `{}`", file.display());
        let file_switch = |key: &str, word: Option<Word>| {
            word.map(|word| variables::switch(&place(key), &word.to_string())).transpose()
        };
        let file = read_file(file)?;
        let mut origins = BTreeMap::new();
        let data_dir = DATA_DIR.path(value(&DATA_DIR)).filter(|path| !path.as_os_str().is_empty());
        let storage = pick(
            &mut origins,
            "data_dir",
            options.storage,
            data_dir.map(Storage::Folder),
            file.data_dir.map(Storage::Folder),
        );
        let required = pick(
            &mut origins,
            "require_credentials",
            options.require_credentials,
            REQUIRE_CREDENTIALS.switch(value(&REQUIRE_CREDENTIALS))?,
            file_switch("require_credentials", file.require_credentials)?,
        );
        let (asked_dev, file_dev) = (DEV.switch(value(&DEV))?, file_switch("dev", file.dev)?);
        let dev = pick(&mut origins, "dev", options.dev, asked_dev, file_dev).unwrap_or(false);
        let account_id = pick(&mut origins, "account_id", options.account_id, text(&ACCOUNT_ID)?, file.account_id);
        let project_id = pick(&mut origins, "project_id", options.project_id, text(&PROJECT_ID)?, file.project_id);
        let base_url = pick(&mut origins, "base_url", options.base_url, text(&URL)?, file.url);
        if base_url.is_some() {
            return Err(Error::unavailable("remote_unsupported", "this version runs embedded only")
                .with_help("leave base_url and TENANTRY_URL unset"));
        }
        let env_deadline = DEADLINE_MS.number(value(&DEADLINE_MS))?;
        let file_deadline = file
            .deadline_ms
            .map(|word| variables::number(&place("deadline_ms"), &word.to_string(), DEADLINE_MS.bounds()))
            .transpose()?;
        let deadline = pick(
            &mut origins,
            "deadline",
            options.deadline,
            env_deadline.map(Duration::from_millis),
            file_deadline.map(Duration::from_millis),
        );
        let storage = storage.unwrap_or_else(|| Storage::Folder(PathBuf::from(".tenantry")));
        let env_key = text(&API_KEY)?.map(Credential::new);
        let api_key = options.api_key.or(env_key);
        Ok(Self {
            storage: storage.anchored()?,
            dev,
            api_key: api_key.filter(|key| !key.is_empty()),
            require_credentials: required.unwrap_or(false),
            account_id: account_id.filter(|id| !id.is_empty()),
            project_id: project_id.filter(|id| !id.is_empty()),
            deadline: deadline.unwrap_or(EMBEDDED_DEADLINE),
            root_key: options.root_key,
            default_headers: options.default_headers.into_iter().filter(|(name, _)| !carries_a_secret(name)).collect(),
            origins,
        })
    }
}

/// Headers that hold credentials are never recorded.
fn carries_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "token", "secret", "key", "password"].iter().any(|part| name.contains(part))
}

fn pick<T>(
    origins: &mut BTreeMap<&'static str, Origin>,
    name: &'static str,
    code: Option<T>,
    environment: Option<T>,
    file: Option<T>,
) -> Option<T> {
    let (origin, value) = match (code, environment, file) {
        (Some(value), _, _) => (Origin::Code, Some(value)),
        (None, Some(value), _) => (Origin::Environment, Some(value)),
        (None, None, Some(value)) => (Origin::File, Some(value)),
        (None, None, None) => (Origin::Default, None),
    };
    origins.insert(name, origin);
    value
}

fn read_file(path: &Path) -> Result<File> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => {
            return Err(
                Error::invalid("config_invalid", format!("`{}` cannot be read", path.display())).with_source(error)
            );
        }
    };
    toml::from_str(&text)
        .map_err(|error| Error::invalid("config_invalid", format!("`{}`: {}", path.display(), error.message())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn code_beats_environment_beats_file_beats_default_and_each_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tenantry.toml");
        std::fs::write(&file, "data_dir = \"from-file\"\ndeadline_ms = 7\n").unwrap();
        let env = |name: &str| (name == "TENANTRY_DATA_DIR").then(|| "from-env".to_owned());

        let config = Config::resolve_with(Options::default(), env, &file).unwrap();
        let here = std::env::current_dir().unwrap();
        assert_eq!(config.storage, Storage::Folder(here.join("from-env")));
        assert_eq!(config.deadline, Duration::from_millis(7));
        assert_eq!(config.origins["data_dir"], Origin::Environment);
        assert_eq!(config.origins["deadline"], Origin::File);
        assert_eq!(config.origins["dev"], Origin::Default);

        let options = Options { storage: Some(Storage::Memory), ..Options::default() };
        let config = Config::resolve_with(options, env, &file).unwrap();
        assert_eq!((config.storage, config.origins["data_dir"]), (Storage::Memory, Origin::Code));
    }

    #[test]
    fn headers_that_carry_credentials_are_not_kept() {
        let names = ["X-Tenant-Tier", "Authorization", "X-API-Key", "Cookie", "x-auth-token"];
        let default_headers = names.iter().map(|name| ((*name).to_owned(), "v".to_owned())).collect();
        let config =
            Config::resolve_with(Options { default_headers, ..Options::default() }, none, Path::new("/nonexistent"))
                .unwrap();
        assert_eq!(config.default_headers.keys().collect::<Vec<_>>(), ["X-Tenant-Tier"]);
    }

    #[test]
    fn an_unknown_line_in_the_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tenantry.toml");
        std::fs::write(&file, "data_folder = \"x\"\n").unwrap();
        assert_eq!(Config::resolve_with(Options::default(), none, &file).unwrap_err().code(), "config_invalid");
    }

    #[test]
    fn a_remote_url_is_refused_and_not_silently_embedded() {
        let options = Options { base_url: Some("https://example.test".into()), ..Options::default() };
        assert_eq!(
            Config::resolve_with(options, none, Path::new("/nonexistent")).unwrap_err().code(),
            "remote_unsupported"
        );
    }
}
