//! `tenantry doctor`: whether this machine and the data folder are fit to serve, and what to do where they are not.

use futures_util::future::join_all;
use serde::Serialize;
use tenantry::{
    Options, Tenantry,
    config::{Config, Storage, UnknownVariable, unknown_variables},
    keyring::Place,
    runtime,
};

use super::{
    Outcome,
    output::{Mark, Output},
    serve::as_the_process,
};

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
}

/// Most issuers whose keys are fetched.
const MAX_ISSUERS: usize = 50;

/// The keys of each issuer as they are now, or what is wrong with them.
fn keys_of_issuers(client: &Tenantry) -> Vec<Result<String, String>> {
    let issuers = client.identity().issuers();
    let all = match issuers.list_blocking() {
        Ok(all) => all,
        Err(error) => return vec![Err(error.to_string())],
    };
    let asked = all.iter().take(MAX_ISSUERS).map(|spec| {
        let issuers = issuers.clone();
        async move {
            let name = &spec.issuer;
            let receipt = issuers.check(name).await.map_err(|error| format!("{name}: {error}"))?;
            let skipped = receipt.skipped.join("; ");
            match (receipt.unreachable.as_str(), receipt.keys.len(), skipped.as_str()) {
                ("", 0, "") => Err(format!("{name}: it publishes no keys")),
                ("", 0, _) => Err(format!("{name}: no key can be used: {skipped}")),
                ("", keys, "") => Ok(format!("{name}: {keys}")),
                // Keys for other purposes are nothing unusual.
                ("", keys, _) => Ok(format!("{name}: {keys}; not used: {skipped}")),
                (unreachable, ..) => Err(format!("{name}: {unreachable}")),
            }
        }
    });
    let mut found = runtime::block_on(async { Ok(join_all(asked).await) }).unwrap_or_default();
    if all.len() > MAX_ISSUERS {
        found.push(Ok(format!("{} more are not looked at", all.len() - MAX_ISSUERS)));
    }
    found
}

/// Looks, and changes nothing: a data folder that is not there is not made.
pub fn run(storage: Option<Storage>, output: Output) -> Outcome {
    let unknown: Vec<String> = unknown_variables().iter().map(UnknownVariable::to_string).collect();
    let mut found = Vec::new();
    let mut note = |check: &'static str, result: Result<String, String>| {
        let ok = result.is_ok();
        found.push(Finding { check, ok, detail: result.unwrap_or_else(|problem| problem) });
        ok
    };
    note("version", Ok(env!("CARGO_PKG_VERSION").into()));
    note("cores", Ok(std::thread::available_parallelism().map_or(1, usize::from).to_string()));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    note("clock", if now > 1_760_000_000 { Ok("plausible".into()) } else { Err("the clock is years behind".into()) });
    note("variables", if unknown.is_empty() { Ok("all known".into()) } else { Err(unknown.join("; ")) });
    let config = Config::resolve(Options { storage, ..Options::default() });
    let folder = config.map(|config| config.storage);
    let usable = note("configuration", folder.as_ref().map(|_| "readable".to_owned()).map_err(ToString::to_string));
    let key = Place::find();
    let missing = key.as_ref().ok().and_then(Place::file).is_some_and(|file| !file.exists());
    let made = matches!(&folder, Ok(Storage::Folder(path)) if path.exists());
    let told = key.map_err(|error| error.to_string()).and_then(|place| match (missing, made, &place) {
        (false, ..) => Ok(format!("{place}; keep a copy elsewhere, the data folder opens with no other")),
        (true, false, Place::OwnFile(_)) => Ok(format!("none yet; the first use makes it {place}")),
        (true, false, _) => Err(format!("there is none {place}; make one with `openssl rand -hex 32`")),
        (true, true, _) => Err(format!("there is none {place}; give the one the data folder was made with")),
    });
    let has_key = note("root key", told);
    if let (true, Ok(Storage::Folder(path))) = (usable && (has_key || !made), &folder) {
        if path.exists() {
            let opened = Tenantry::open(as_the_process(Some(Storage::Folder(path.clone()))));
            note("data folder", opened.as_ref().map(|_| path.display().to_string()).map_err(ToString::to_string));
            if let Ok(client) = opened {
                let issuer = client.identity().settings_blocking();
                let issuer = issuer.map_err(|error| error.to_string()).and_then(|settings| {
                    if settings.issuer.is_empty() {
                        Err("none yet; `tenantry serve --issuer` sets it".into())
                    } else {
                        Ok(settings.issuer)
                    }
                });
                note("issuer", issuer);
                for keys in keys_of_issuers(&client) {
                    note("keys of issuers", keys);
                }
                let problems = client.admin().problems_blocking();
                for problem in problems.map_or_else(|error| vec![error.to_string()], |page| page.items) {
                    note("data", Err(problem));
                }
                let accounts = client.admin().accounts().list_blocking();
                note("accounts", accounts.map(|all| all.len().to_string()).map_err(|error| error.to_string()));
            }
        } else {
            note("data folder", Err(format!("{} is not there; the first use makes it", path.display())));
        }
    }
    let fine = found.iter().all(|finding| finding.ok);
    // A table cannot fail to be written: it holds texts only.
    let _ = output.table(&found, &["CHECK", "", "DETAIL"], |finding| {
        let mark = if finding.ok { output.marked(Mark::Good, "ok") } else { output.marked(Mark::Doubtful, "!!") };
        vec![finding.check.into(), mark, finding.detail.clone()]
    });
    if fine { Outcome::Fine } else { Outcome::Degraded }
}
