//! Accounts, projects, keys and policies of a data folder, by the process that owns it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tenantry::{
    Error, Result, Tenantry,
    api::{
        Account, AccountSpec, ApiKey, KeyFilter, KeySpec, PolicyReceipt, PolicyRef, PolicySpec, PolicySummary,
        PrincipalKind, Project, ProjectSpec, TenantFacts, name_of, named,
    },
    scope::Layer,
};

use super::{
    Outcome,
    output::{Output, plain},
};

#[derive(Args, Debug)]
pub struct Facts {
    /// E.g. `enterprise`; policies can read it.
    #[arg(long, default_value = "")]
    tier: String,
    #[arg(long, default_value = "")]
    plan: String,
    #[arg(long, default_value = "")]
    region: String,
    /// May be given several times.
    #[arg(long = "label")]
    labels: Vec<String>,
}

impl From<Facts> for TenantFacts {
    fn from(facts: Facts) -> Self {
        Self { tier: facts.tier, plan: facts.plan, region: facts.region, labels: facts.labels }
    }
}

#[derive(Debug, Subcommand)]
pub enum Accounts {
    /// Creates an account.
    Create {
        account: String,
        #[command(flatten)]
        facts: Facts,
    },
    /// Gives the account, and creates it where there is none. What exists stays as it is.
    Ensure {
        account: String,
        #[command(flatten)]
        facts: Facts,
    },
    /// All accounts.
    List,
    /// One account.
    Show { account: String },
}

fn account_row(account: &Account) -> Vec<String> {
    let Account { id, status, created_at, facts, .. } = account;
    vec![id.clone(), status.name().into(), plain(&facts.tier), plain(&facts.region), created_at.clone()]
}

const ACCOUNT: [&str; 5] = ["ACCOUNT", "STATUS", "TIER", "REGION", "CREATED"];

pub fn accounts(client: &Tenantry, command: Accounts, output: Output) -> Result<Outcome> {
    let accounts = client.admin().accounts();
    match command {
        Accounts::Create { account, facts } => {
            let made = accounts.create_blocking(AccountSpec::with(&account, facts.into()))?;
            output.value(&made, |made| format!("created account {}", made.id))?;
        }
        Accounts::Ensure { account, facts } => {
            one(output, accounts.ensure_blocking(&account, TenantFacts::from(facts))?, &ACCOUNT, account_row)?;
        }
        Accounts::List => output.table(&accounts.list_blocking()?, &ACCOUNT, account_row)?,
        Accounts::Show { account } => one(output, accounts.get_blocking(&account)?, &ACCOUNT, account_row)?,
    }
    Ok(Outcome::Fine)
}

/// One value: an object in JSON, a table of one row else.
pub fn one<T: serde::Serialize>(
    output: Output,
    value: T,
    heads: &[&str],
    row: impl Fn(&T) -> Vec<String>,
) -> Result<()> {
    if output.is_json() { output.value(&value, |_| String::new()) } else { output.table(&[value], heads, row) }
}

#[derive(Debug, Subcommand)]
pub enum Projects {
    /// Creates a project.
    Create {
        account: String,
        project: String,
        #[command(flatten)]
        facts: Facts,
    },
    /// Gives the project, and creates it where there is none. What exists stays as it is.
    Ensure {
        account: String,
        project: String,
        #[command(flatten)]
        facts: Facts,
    },
    /// The projects of an account.
    List { account: String },
    /// One project.
    Show { account: String, project: String },
}

fn project_row(project: &Project) -> Vec<String> {
    let Project { id, account_id, status, created_at, facts, .. } = project;
    vec![account_id.clone(), id.clone(), status.name().into(), plain(&facts.tier), created_at.clone()]
}

const PROJECT: [&str; 5] = ["ACCOUNT", "PROJECT", "STATUS", "TIER", "CREATED"];

pub fn projects(client: &Tenantry, command: Projects, output: Output) -> Result<Outcome> {
    let projects = client.admin().projects();
    match command {
        Projects::Create { account, project, facts } => {
            let made = projects.create_blocking(&account, ProjectSpec::with(&project, facts.into()))?;
            output.value(&made, |made| format!("created project {}/{}", made.account_id, made.id))?;
        }
        Projects::Ensure { account, project, facts } => {
            one(
                output,
                projects.ensure_blocking(&account, &project, TenantFacts::from(facts))?,
                &PROJECT,
                project_row,
            )?;
        }
        Projects::List { account } => output.table(&projects.list_blocking(&account)?, &PROJECT, project_row)?,
        Projects::Show { account, project } => {
            one(output, projects.get_blocking(&account, &project)?, &PROJECT, project_row)?;
        }
    }
    Ok(Outcome::Fine)
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Makes a key and shows it, this once.
    Create {
        /// The account it reaches; none for the whole platform.
        #[arg(long, default_value = "")]
        account: String,
        /// The project it reaches; none for the whole account.
        #[arg(long, default_value = "", requires = "account")]
        project: String,
        #[arg(long, default_value = "")]
        name: String,
        /// What it may do, e.g. `tools:read` or `tenant:manage`; may be given several times.
        #[arg(long = "scope")]
        scopes: Vec<String>,
        /// How its text begins; `hf_sk` and `zid_sk` make Highflame's clients exchange it.
        #[arg(long, default_value = "")]
        prefix: String,
        /// `user` or `agent`.
        #[arg(long = "type", default_value = "user")]
        kind: String,
        /// Who holds it; the key itself when left out.
        #[arg(long, default_value = "")]
        subject: String,
        #[arg(long, default_value_t = 0, value_name = "SECONDS")]
        expires_in: u64,
    },
    /// Keys of a project, of an account, or of the platform.
    List {
        #[arg(long, default_value = "")]
        account: String,
        #[arg(long, default_value = "", requires = "account")]
        project: String,
    },
    /// One key, without its secret.
    Show { id: String },
    /// Ends a key, and everything it was exchanged for.
    Revoke { id: String },
}

fn key_row(key: &ApiKey) -> Vec<String> {
    let reach = match (key.account_id.as_str(), key.project_id.as_str()) {
        ("", _) => "platform".to_owned(),
        (account, "") => account.to_owned(),
        (account, project) => format!("{account}/{project}"),
    };
    let used = key.last_used_at.clone().unwrap_or_else(|| "never".into());
    vec![key.id.clone(), plain(&key.name), reach, name_of(&key.state), key.scopes.join(" "), used]
}

const KEY: [&str; 6] = ["KEY", "NAME", "REACHES", "STATE", "SCOPES", "LAST USED"];

pub fn keys(client: &Tenantry, command: Keys, output: Output) -> Result<Outcome> {
    let identity = client.identity();
    let keys = identity.keys();
    match command {
        Keys::Create { account, project, name, scopes, prefix, kind, subject, expires_in } => {
            let kind: PrincipalKind = named("type of principal", &kind)?;
            let spec = KeySpec {
                name,
                account_id: account,
                project_id: project,
                scopes,
                kind,
                subject,
                expires_in_seconds: expires_in,
                prefix,
                ..KeySpec::default()
            };
            let made = keys.create_blocking(spec)?;
            output
                .value(&made, |made| format!("{}\n\nIt is not shown again. Its id is {}.", made.key, made.record.id))?;
        }
        Keys::List { account, project } => {
            output.table(&keys.list_blocking(KeyFilter::of(&account, &project))?, &KEY, key_row)?
        }
        Keys::Show { id } => one(output, keys.get_blocking(&id)?, &KEY, key_row)?,
        Keys::Revoke { id } => {
            let key = keys.revoke_blocking(&id)?;
            output.value(&key, |key| format!("revoked {}", key.id))?;
        }
    }
    Ok(Outcome::Fine)
}

#[derive(Debug, Subcommand)]
pub enum Policies {
    /// Attaches the Cedar text of a file under a name, in the place of what was there.
    Put {
        account: String,
        project: String,
        name: String,
        /// A file, or `-` for standard input.
        file: PathBuf,
        /// `enforce`, `alert` or `monitor`.
        #[arg(long, default_value = "enforce")]
        mode: String,
        /// `project`, `account` or `platform`.
        #[arg(long, default_value = "project")]
        layer: String,
        /// Bounds every layer below.
        #[arg(long)]
        ceiling: bool,
    },
    /// Attaches a pack of ours: `baseline` or `strict`.
    Attach { account: String, project: String, pack: String },
    /// The policies in force in a project.
    List { account: String, project: String },
    /// The text of one policy.
    Show { account: String, project: String, name: String },
    /// Detaches a policy.
    #[command(visible_alias = "revoke")]
    Detach {
        account: String,
        project: String,
        name: String,
        #[arg(long, default_value = "project")]
        layer: String,
    },
}

fn policy_row(policy: &PolicySummary) -> Vec<String> {
    let rules = policy.rule_ids.len().to_string();
    let state = if policy.retired { "retired" } else { "in force" };
    vec![plain(&policy.name), policy.layer.name().into(), policy.mode.name().into(), rules, state.into()]
}

const POLICY: [&str; 5] = ["POLICY", "LAYER", "MODE", "RULES", "STATE"];

/// A text from a file, or from standard input.
pub fn text_of(file: &std::path::Path) -> Result<String> {
    let read =
        if file.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    read.map_err(|error| {
        Error::invalid("file_unreadable", format!("`{}` cannot be read: {}", file.display(), error.kind()))
            .with_help("name a file of UTF-8 text, or `-` for standard input")
            .with_source(error)
    })
}

fn attached(receipt: &PolicyReceipt) -> String {
    let mut lines = vec![format!("attached {}: {} policies", receipt.name, receipt.policy_count)];
    lines.extend(receipt.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.join("\n")
}

pub fn policies(client: &Tenantry, command: Policies, output: Output) -> Result<Outcome> {
    match command {
        Policies::Put { account, project, name, file, mode, layer, ceiling } => {
            let spec = PolicySpec {
                name,
                text: text_of(&file)?,
                mode: named("mode", &mode)?,
                layer: Layer::parse(&layer)?,
                ceiling,
            };
            let receipt = client.tenant_blocking(&account, &project)?.policies().put_blocking(spec)?;
            output.value(&receipt, attached)?;
        }
        Policies::List { account, project } => {
            let policies = client.tenant_blocking(&account, &project)?.policies().list_blocking()?;
            output.table(&policies, &POLICY, policy_row)?;
        }
        Policies::Show { account, project, name } => {
            let policies = client.tenant_blocking(&account, &project)?.policies().list_blocking()?;
            let found = policies.into_iter().find(|policy| policy.name == name);
            let found = found.ok_or_else(|| {
                Error::not_found("policy_not_found", format!("there is no policy `{name}` in {account}/{project}"))
                    .with_help("`policies list` shows those there are")
            })?;
            output.value(&found, |policy| policy.text.clone())?;
        }
        Policies::Attach { account, project, pack } => {
            let receipt = client.tenant_blocking(&account, &project)?.policies().attach_pack_blocking(&pack)?;
            output.value(&receipt, attached)?;
        }
        Policies::Detach { account, project, name, layer } => {
            let tenant = client.tenant_blocking(&account, &project)?;
            tenant.policies().remove_blocking(PolicyRef::on(Layer::parse(&layer)?, &name))?;
            output.value(&serde_json::json!({ "name": name, "removed": true }), |_| format!("detached {name}"))?;
        }
    }
    Ok(Outcome::Fine)
}
