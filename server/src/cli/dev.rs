//! `tenantry dev`: a server to try things with, on this machine, over a folder that goes with it.

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use serde::Serialize;
use tenantry::{
    Error, Options, Result, Tenantry,
    api::{IdentitySettings, KeySpec, TenantFacts},
    config::Storage,
    keyring,
    scope::DEFAULT_PROJECT,
};

use super::{
    Outcome,
    output::Output,
    serve::{Ends, IDLE, as_the_process, deadline},
};
use crate::{
    http::{App, Settings, hosts::Hosts},
    listen,
};

/// Keys that begin so make Highflame's public clients exchange them for tokens.
const PREFIX: &str = "hf_sk";
/// The account of the call to copy.
const SAMPLE: &str = "demo";
/// Everything the platform's own key is to do while trying things.
const SCOPES: [&str; 8] = [
    "tenant:manage",
    "tenant:read",
    "credentials:manage",
    "users:manage",
    "nhi:manage",
    "tools:read",
    "tools:write",
    "tools:execute",
];

#[derive(Args, Debug)]
pub struct Arguments {
    /// The port on this machine: 8787 for people, any that is free for programs (--json).
    #[arg(long)]
    port: Option<u16>,
    /// Another name this server is reached by, beside localhost: NAME or NAME:PORT. May be given several times.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Logs every request.
    #[arg(long)]
    log_requests: bool,
}

#[derive(Serialize)]
struct Ready {
    http: String,
    grpc: String,
    health: String,
    token_url: String,
    api_key: String,
    issuer: String,
}

pub async fn run(arguments: Arguments, output: Output) -> Result<Outcome> {
    let folder = tempfile::Builder::new().prefix("tenantry-dev-").tempdir()?;
    let client = Tenantry::open(Options {
        dev: Some(true),
        // Nothing of it outlives the folder.
        root_key: Some(keyring::new_root_key()?),
        deadline: deadline()?,
        ..as_the_process(Some(Storage::Folder(folder.path().to_owned())))
    })?;
    let port = arguments.port.unwrap_or(if output.is_json() { 0 } else { 8787 });
    let listener = listen::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let address = listener.local_addr()?;
    let hosts = Hosts::new(address.port(), &arguments.allow_host)?;
    let http = format!("http://{address}");
    let settings = client.identity().settings().await?;
    let settings = IdentitySettings { issuer: http.clone(), key_prefix: PREFIX.into(), ..settings };
    client.identity().put_settings(settings).await?;
    let key = KeySpec {
        name: "dev".into(),
        scopes: SCOPES.map(str::to_owned).into(),
        prefix: PREFIX.into(),
        ..KeySpec::default()
    };
    let api_key = client.identity().keys().create(key.clone()).await?.key;
    sample(&client).await?;
    listen::log_to_stderr();
    let app = App::new(
        client,
        Settings {
            issuer: http.clone(),
            body_timeout: Duration::from_secs(30),
            idle: IDLE,
            answer_timeout: Duration::from_secs(60),
            log_requests: arguments.log_requests,
            open_metrics: false,
            // Here any key opens any account: nobody's page may try.
            hosts: Some(hosts),
        },
    );
    let ready = Ready {
        grpc: String::new(),
        health: format!("{http}/health"),
        token_url: format!("{http}/oauth2/token"),
        issuer: http.clone(),
        api_key,
        http,
    };
    let drain = Duration::from_secs(5);
    let ends = Ends { drain, leave: Duration::ZERO, with_input: output.is_json(), with_terminal: true };
    ends.watch(&app)?;
    output.value(&ready, |ready| told(ready, folder.path()))?;
    ends.serve(listener, None, app, false).await?;
    folder.close().map_err(Error::from)?;
    Ok(Outcome::Fine)
}

/// The project of the call to copy, guarded strictly, so that the first answer is a denial with its reason. All others are made
/// up with the baseline.
async fn sample(client: &Tenantry) -> Result<()> {
    client.admin().accounts().ensure(SAMPLE, TenantFacts::default()).await?;
    client.admin().projects().ensure(SAMPLE, DEFAULT_PROJECT, TenantFacts::default()).await?;
    client.tenant(SAMPLE, DEFAULT_PROJECT).await?.policies().attach_pack("strict").await.map(drop)
}

fn told(ready: &Ready, folder: &std::path::Path) -> String {
    let Ready { http, api_key, .. } = ready;
    format!(
        "Tenantry, for trying things out. Its data is in {} and goes when you press Ctrl-C.\n\n\
         address  {http}\n\
         key      {api_key}\n\n\
         Try it; the answer is a denial, and says why:\n  \
         curl -s {http}/v1/shield/guard -H 'Authorization: Bearer {api_key}' -H 'Content-Type: application/json' \\\n    \
         -H 'X-Account-ID: {SAMPLE}' -d '{{\"content\":\"please test with AKIA1234EXAMPLE\",\"content_type\":\"prompt\",\"action\":\"process_prompt\"}}'\n\n\
         With Highflame's client:\n  \
         Highflame(api_key=\"{api_key}\", base_url=\"{http}\", token_url=\"{http}/oauth2/token\", identity_base_url=\"{http}\")",
        folder.display()
    )
}
