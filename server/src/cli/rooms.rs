//! Limits and settings of a project, by the process that owns the data folder.

use clap::{Args, Subcommand};
use tenantry::{
    Error, Result, Tenantry,
    api::{LimitRef, LimitSpec, Settings as Tuned, SettingsPatch, name_of, named, parse_period},
    scope::Layer,
};

use super::{
    Outcome,
    manage::one,
    output::{Output, plain},
};

#[derive(Debug, Subcommand)]
pub enum Limits {
    /// Sets a rate limit, in the place of the one with the same id on the same layer.
    Set(LimitArguments),
    /// The limits in force in a project.
    List { account: String, project: String },
    /// Removes a rate limit.
    #[command(visible_alias = "remove")]
    Delete {
        account: String,
        project: String,
        id: String,
        /// `project`, `account` or `platform`.
        #[arg(long, default_value = "project")]
        layer: String,
    },
}

#[derive(Args, Debug)]
pub struct LimitArguments {
    account: String,
    project: String,
    /// The limit's id, e.g. `prompts`.
    id: String,
    /// Calls allowed in each period; also the largest burst.
    #[arg(long)]
    rate: u32,
    /// `second`, `minute`, `hour`, `day`, or a duration such as `10s`.
    #[arg(long, value_name = "PERIOD")]
    per: String,
    /// What each has a counter of its own: `scope` (one for all), `principal`, `session`, `tool`, `action` or `custom`.
    #[arg(long, default_value = "scope")]
    key: String,
    /// Counts calls of this action alone, e.g. `process_prompt`.
    #[arg(long, default_value = "")]
    action: String,
    /// Beyond the rate: `reject`, `queue` or `report`.
    #[arg(long, default_value = "reject")]
    on_exceed: String,
    /// The longest wait in line, with `--on-exceed queue`: a duration such as `10s`.
    #[arg(long, value_name = "PERIOD")]
    max_wait: Option<String>,
    /// `project`, `account` or `platform`.
    #[arg(long, default_value = "project")]
    layer: String,
    /// Counts across processes on the data folder by the store.
    #[arg(long)]
    shared: bool,
}

const LIMIT: [&str; 7] = ["LIMIT", "LAYER", "RATE", "EACH", "ACTION", "BEYOND", "WAITS"];

fn limit_row(limit: &LimitSpec) -> Vec<String> {
    let action = if limit.action.is_empty() { "all".to_owned() } else { limit.action.clone() };
    let waits = if limit.max_wait_ms == 0 { String::new() } else { period(limit.max_wait_ms) };
    vec![
        plain(&limit.id),
        limit.layer.name().into(),
        format!("{} per {}", limit.rate, period(limit.per_ms)),
        name_of(&limit.key),
        action,
        name_of(&limit.on_exceed),
        waits,
    ]
}

/// A period as people say it.
fn period(milliseconds: u64) -> String {
    match milliseconds {
        1_000 => "second".into(),
        60_000 => "minute".into(),
        3_600_000 => "hour".into(),
        86_400_000 => "day".into(),
        other if other % 1_000 == 0 => format!("{}s", other / 1_000),
        other => format!("{other}ms"),
    }
}

pub fn limits(client: &Tenantry, command: Limits, output: Output) -> Result<Outcome> {
    match command {
        Limits::Set(arguments) => {
            let spec = LimitSpec {
                id: arguments.id,
                rate: arguments.rate,
                per_ms: parse_period(&arguments.per)?,
                key: named("key of a limit", &arguments.key)?,
                action: arguments.action,
                on_exceed: named("way to exceed a limit", &arguments.on_exceed)?,
                max_wait_ms: arguments.max_wait.as_deref().map(parse_period).transpose()?.unwrap_or_default(),
                layer: Layer::parse(&arguments.layer)?,
                shared: arguments.shared,
            };
            let limits = client.tenant_blocking(&arguments.account, &arguments.project)?.limits();
            limits.set_blocking(spec.clone())?;
            // As it is kept: a queue that was given no wait has one.
            let kept =
                limits.list_blocking()?.into_iter().find(|kept| (&kept.id, kept.layer) == (&spec.id, spec.layer));
            one(output, kept.unwrap_or(spec), &LIMIT, limit_row)?;
        }
        Limits::List { account, project } => {
            let limits = client.tenant_blocking(&account, &project)?.limits().list_blocking()?;
            output.table(&limits, &LIMIT, limit_row)?;
        }
        Limits::Delete { account, project, id, layer } => {
            client
                .tenant_blocking(&account, &project)?
                .limits()
                .remove_blocking(LimitRef::on(Layer::parse(&layer)?, &id))?;
            output.value(&serde_json::json!({ "id": id, "removed": true }), |_| format!("removed {id}"))?;
        }
    }
    Ok(Outcome::Fine)
}

#[derive(Debug, Subcommand)]
pub enum Settings {
    /// The settings in force.
    Get { account: String, project: String },
    /// Changes the given settings; the others stay.
    Set(SettingsArguments),
}

#[derive(Args, Debug)]
pub struct SettingsArguments {
    account: String,
    project: String,
    /// Callers may not ask for a laxer mode: `enforce`, `modify`, `alert` or `monitor`.
    #[arg(long, value_name = "MODE")]
    mode_floor: Option<String>,
    /// How strongly the audit trail is kept: `required`, `standard` or `sampled`.
    #[arg(long, value_name = "CLASS")]
    audit_class: Option<String>,
    /// Whether redaction entries carry the original text: `true` or `false`.
    #[arg(long, value_name = "BOOL")]
    redaction_originals: Option<bool>,
    /// How long an idle session is remembered, in seconds.
    #[arg(long, value_name = "SECONDS")]
    session_ttl_seconds: Option<u64>,
    /// A metadata key that policies may read, with its type, e.g. `team=String`; once for each, in the place of all before.
    #[arg(long, value_name = "NAME=TYPE", value_parser = declared)]
    metadata_key: Option<Vec<(String, String)>>,
}

fn declared(text: &str) -> std::result::Result<(String, String), String> {
    let pair = text.split_once('=').map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    pair.ok_or_else(|| "give a name and a type, e.g. `team=String`".into())
}

const SETTINGS: [&str; 5] = ["MODE FLOOR", "AUDIT", "REDACTION ORIGINALS", "SESSION TTL", "METADATA KEYS"];

fn settings_row(settings: &Tuned) -> Vec<String> {
    let originals = if settings.redaction_originals { "kept" } else { "left out" };
    vec![
        settings.mode_floor.name().into(),
        name_of(&settings.audit_class),
        originals.into(),
        format!("{}s", settings.session_ttl_seconds),
        settings.metadata_keys.iter().map(|(name, kind)| format!("{name}={kind}")).collect::<Vec<_>>().join(" "),
    ]
}

pub fn settings(client: &Tenantry, command: Settings, output: Output) -> Result<Outcome> {
    let settings = match command {
        Settings::Get { account, project } => client.tenant_blocking(&account, &project)?.settings().get_blocking()?,
        Settings::Set(arguments) => {
            let patch = SettingsPatch {
                mode_floor: arguments.mode_floor.as_deref().map(|mode| named("mode", mode)).transpose()?,
                audit_class: arguments.audit_class.as_deref().map(|class| named("audit class", class)).transpose()?,
                redaction_originals: arguments.redaction_originals,
                session_ttl_seconds: arguments.session_ttl_seconds,
                metadata_keys: arguments.metadata_key.map(|keys| keys.into_iter().collect()),
            };
            if patch == SettingsPatch::default() {
                return Err(Error::invalid("settings_invalid", "no setting is given")
                    .with_help("give one to change, e.g. `--mode-floor enforce`; `tenantry settings get` shows them"));
            }
            let tenant = client.tenant_blocking(&arguments.account, &arguments.project)?;
            tenant.settings().update_blocking(patch)?
        }
    };
    one(output, settings, &SETTINGS, settings_row)?;
    Ok(Outcome::Fine)
}
