//! `tenantry serve`: a data folder over HTTP. Owns what a server refuses to start with, and its end.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use axum::http::Uri;
use clap::Args;
use tenantry::{
    Error, Options, Result, Tenantry,
    api::IdentitySettings,
    config::{Config, Credential, IDLE_SECONDS, LEAVE_SECONDS, Origin, Storage, Variable},
    keyring,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{Outcome, output::Output};
use crate::{
    http::{App, Settings, route::Access, table},
    listen,
};

/// The deadline of a guard call behind HTTP: a second, unless the surroundings say otherwise.
pub fn deadline() -> Result<Option<Duration>> {
    let config = Config::resolve(Options::default())?;
    let unsaid = config.origins.get("deadline") == Some(&Origin::Default);
    Ok(unsaid.then_some(Duration::from_secs(1)))
}

#[derive(Args, Debug)]
pub struct Arguments {
    /// Where to listen: an address or a name of this machine, and a port. Other machines reach it only if this says so.
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "ADDRESS:PORT", value_parser = address_and_port)]
    listen: String,
    /// The address clients reach this server by; the issuer of its tokens. Kept in the data folder once given.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// A certificate chain in PEM.
    #[arg(long, requires = "tls_key", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its private key in PEM.
    #[arg(long, requires = "tls_cert", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Listens to other machines without TLS: only behind a proxy that has it.
    #[arg(long)]
    behind_proxy: bool,
    /// Answers /metrics to other machines, too.
    #[arg(long)]
    open_metrics: bool,
    /// Logs every request, not failures alone.
    #[arg(long)]
    log_requests: bool,
    /// How long requests under way may take when the server ends, in seconds.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    drain_seconds: u64,
    /// How long to go on after SIGTERM while /ready answers 503, in seconds; else TENANTRY_LEAVE_SECONDS, or 2.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=3_600))]
    leave_seconds: Option<u64>,
    /// How long a connection is kept on which nothing is asked, in seconds; else TENANTRY_IDLE_SECONDS, or 75.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    idle_seconds: Option<u64>,
}

/// A connection without a request outlives the 60 s of most load balancers: whoever closes first must not be the one that is
/// sent the next request.
pub const IDLE: Duration = Duration::from_secs(75);
/// Enough for a probe each second to see that no more is to be sent here.
const LEAVE: Duration = Duration::from_secs(2);

/// Seconds by a flag, else by a variable.
fn seconds(flag: Option<u64>, variable: &Variable, usual: Duration) -> Result<Duration> {
    let told = flag.map_or_else(|| variable.number(variable.value()), |seconds| Ok(Some(seconds)))?;
    Ok(told.map_or(usual, Duration::from_secs))
}

/// Refuses what has no host or no port.
fn address_and_port(text: &str) -> std::result::Result<String, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let whole = host.starts_with('[') == host.ends_with(']') && (host.starts_with('[') || !host.contains(':'));
    if host.is_empty() || !whole || port.parse::<u16>().is_err() {
        return Err(
            "an address or a name and a port are needed, e.g. 127.0.0.1:8787, localhost:8787 or [::1]:8787".into()
        );
    }
    Ok(text.to_owned())
}

pub async fn run(arguments: Arguments, storage: Option<Storage>, output: Output) -> Result<Outcome> {
    refuse_placeholders()?;
    let encrypted = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificates), Some(key)) => Some(listen::tls(certificates, key)?),
        _ => None,
    };
    let (idle, leave) = (
        seconds(arguments.idle_seconds, &IDLE_SECONDS, IDLE)?,
        seconds(arguments.leave_seconds, &LEAVE_SECONDS, LEAVE)?,
    );
    let listen = listen::resolve(&arguments.listen).await?;
    if !listen.ip().is_loopback() && encrypted.is_none() && !arguments.behind_proxy {
        return Err(Error::invalid("tls_required", "other machines are served with TLS only")
            .with_help("give --tls-cert and --tls-key, or --behind-proxy where a proxy has them"));
    }
    // A server is the process itself, whatever the surroundings say to embedded clients; and dev mode has a command.
    let client = Tenantry::open(Options { dev: Some(false), deadline: deadline()?, ..as_the_process(storage) })?;
    let issuer = issuer(&client, arguments.issuer.as_deref()).await?;
    let listener = listen::bind(listen).await?;
    let settings = Settings {
        issuer,
        body_timeout: Duration::from_secs(30),
        idle,
        answer_timeout: Duration::from_secs(60),
        log_requests: arguments.log_requests,
        open_metrics: arguments.open_metrics,
        hosts: None,
    };
    listen::log_to_stderr();
    let address = listener.local_addr()?;
    let app = App::new(client, settings);
    let drain = Duration::from_secs(arguments.drain_seconds);
    let ends = Ends { drain, leave, with_input: false, with_terminal: false };
    ends.watch(&app)?;
    greet(&app, address, encrypted.is_some(), output);
    ends.serve(listener, encrypted, app, arguments.behind_proxy).await
}

/// No credential of the surroundings, and tenants by name: the process that owns the data folder.
pub fn as_the_process(storage: Option<Storage>) -> Options {
    let (api_key, require_credentials) = (Some(Credential::new("")), Some(false));
    Options { storage, api_key, require_credentials, ..Options::default() }
}

/// Keys that somebody typed, or copied from a page, are known to others.
fn refuse_placeholders() -> Result<()> {
    if keyring::from_environment()?.is_some_and(|key| key.is_placeholder()) {
        return Err(Error::invalid("root_key_placeholder", "the root key is not random")
            .with_help("make one with `openssl rand -hex 32`"));
    }
    Ok(())
}

/// The issuer: as given now, or as kept. Tokens without one could be anybody's.
async fn issuer(client: &Tenantry, given: Option<&str>) -> Result<String> {
    let settings = client.identity().settings().await?;
    let issuer = given.unwrap_or(&settings.issuer).to_owned();
    if issuer.is_empty() {
        return Err(Error::invalid("issuer_missing", "the server has no issuer")
            .with_help("give --issuer with the address clients reach it by, e.g. https://guard.example.com"));
    }
    if !is_address(&issuer) {
        return Err(Error::invalid("issuer_invalid", "the issuer is not an https address")
            .with_help("http is taken for this machine alone, e.g. http://127.0.0.1:8787"));
    }
    if issuer != settings.issuer {
        client.identity().put_settings(IdentitySettings { issuer: issuer.clone(), ..settings }).await?;
    }
    Ok(issuer)
}

/// An https address, or an http one of this machine: scheme, host, perhaps port and path, and nothing else.
fn is_address(issuer: &str) -> bool {
    let Ok(address) = issuer.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (address.scheme_str(), address.authority()) else { return false };
    let host = authority.host();
    let plain = !authority.as_str().contains('@') && address.query().is_none() && !issuer.contains('#');
    let local = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    plain && !host.is_empty() && (scheme == "https" || scheme == "http" && local)
}

fn greet(app: &App, address: SocketAddr, encrypted: bool, output: Output) {
    let scheme = if encrypted { "https" } else { "http" };
    let open: Vec<String> = table::routes()
        .iter()
        .filter(|route| route.access == Access::Open)
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let issuer = &app.settings().issuer;
    if output.is_json() {
        let told =
            serde_json::json!({ "http": format!("{scheme}://{address}"), "issuer": issuer, "open_routes": open });
        output.line(&told.to_string());
        return;
    }
    output.line(&format!("serving {scheme}://{address}, tokens of {issuer}"));
    output.line("without a credential anybody may call:");
    for route in open {
        output.line(&format!("  {route}"));
    }
}

/// When a server ends, and how long it then takes at most.
#[derive(Clone, Copy)]
pub struct Ends {
    /// How long requests under way may take.
    pub drain: Duration,
    /// How long it goes on after SIGTERM, while `/ready` says that no more is to be sent.
    pub leave: Duration,
    /// Whether it ends with its standard input, too.
    pub with_input: bool,
    /// Whether it ends with its terminal (SIGHUP); else it goes on.
    pub with_terminal: bool,
}

impl Ends {
    /// Ends the server at a signal. Before anybody is told that the server is ready.
    pub fn watch(self, app: &App) -> Result<()> {
        let mut signals = Signals::install()?;
        let app = app.clone();
        tokio::spawn(async move {
            let asked = tokio::select! {
                asked = signals.end(self.with_terminal) => asked,
                () = input_closed(), if self.with_input => Asked::Now,
            };
            app.leave();
            if asked == Asked::Leave {
                // Whoever asks twice does not want to wait.
                tokio::select! {
                    () = tokio::time::sleep(self.leave) => {}
                    _ = signals.end(false) => {}
                }
            }
            app.ending().cancel();
        });
        Ok(())
    }

    /// Serves until then.
    pub async fn serve(
        self,
        listener: TcpListener,
        encrypted: Option<TlsAcceptor>,
        app: App,
        behind_proxy: bool,
    ) -> Result<Outcome> {
        let client = app.client().clone();
        listen::serve(listener, encrypted, app, self.drain, behind_proxy).await;
        client.close().await?;
        Ok(Outcome::Fine)
    }
}

/// How somebody asks a server to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// As a supervisor does, which may send requests for a moment yet.
    Leave,
    /// As a person does.
    Now,
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn install() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?]))
    }

    /// Waits for a signal that asks for the end.
    async fn end(&mut self, with_terminal: bool) -> Asked {
        let [terminate, interrupt, hangup] = &mut self.0;
        loop {
            tokio::select! {
                _ = terminate.recv() => return Asked::Leave,
                _ = interrupt.recv() => return Asked::Now,
                _ = hangup.recv() => {
                    if with_terminal {
                        return Asked::Now;
                    }
                    tracing::info!("SIGHUP is passed over: there is nothing to read anew; SIGTERM ends the server");
                }
            }
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> Result<Self> {
        Ok(Self)
    }

    async fn end(&mut self, _with_terminal: bool) -> Asked {
        let _ = tokio::signal::ctrl_c().await;
        Asked::Now
    }
}

async fn input_closed() {
    // A thread of its own: reading standard input cannot be cancelled.
    let (closed, wait) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = closed.send(());
    });
    let _ = wait.await;
}
