//! `tenantry check`: whether policy files compile, before anybody is judged by them.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tenantry::{
    Error, Options, Result, Tenantry,
    api::{Mode, PolicySpec},
    config::Storage,
    scope::Layer,
};

use super::{
    Outcome,
    manage::text_of,
    output::{Mark, Output},
    serve::as_the_process,
};

#[derive(Args, Debug)]
pub struct Arguments {
    /// Files of Cedar text.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Checked {
    file: String,
    ok: bool,
    policies: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

pub fn run(arguments: &Arguments, output: Output) -> Result<Outcome> {
    let client = Tenantry::open(Options { dev: Some(false), ..as_the_process(Some(Storage::Memory)) })?;
    client.admin().accounts().create_blocking("check")?;
    let mut all = Vec::new();
    for (number, file) in arguments.files.iter().enumerate() {
        let text = text_of(file)?;
        // Each on its own, so that one file's names are no reason to refuse another's.
        let project = format!("file-{number}");
        client.admin().projects().create_blocking("check", &project)?;
        let name = name_for(file);
        let spec = PolicySpec { name, text, mode: Mode::Enforce, layer: Layer::Project, ceiling: false };
        let file = file.display().to_string();
        all.push(match client.tenant_blocking("check", &project)?.policies().put_blocking(spec) {
            Ok(receipt) => {
                Checked { file, ok: true, policies: receipt.policy_count, warnings: receipt.warnings, error: None }
            }
            Err(error) => Checked { file, ok: false, policies: 0, warnings: Vec::new(), error: Some(error) },
        });
    }
    output.value(&all, |all| all.iter().map(|checked| told(checked, output)).collect::<Vec<_>>().join("\n"))?;
    Ok(if all.iter().all(|checked| checked.ok) { Outcome::Fine } else { Outcome::NotCompiled })
}

/// What messages call the policy of a file: its own name, if that can be one.
fn name_for(file: &Path) -> String {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let fits = !name.is_empty() && name.len() <= 128 && !name.chars().any(char::is_control);
    if fits { name.to_owned() } else { "checked".into() }
}

fn told(checked: &Checked, output: Output) -> String {
    let mut lines = match &checked.error {
        None => vec![format!("{} {}: {} policies", output.marked(Mark::Good, "ok"), checked.file, checked.policies)],
        Some(error) => vec![format!("{} {}: {error}", output.marked(Mark::Bad, "bad"), checked.file)],
    };
    lines.extend(checked.warnings.iter().map(|warning| format!("   warning: {warning}")));
    lines.join("\n")
}
