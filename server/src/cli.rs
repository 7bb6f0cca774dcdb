//! The command line: `serve` and `dev` run the server, the others administer a data folder in place. Owns arguments, exit
//! codes and how results are shown; every operation is the client's.
//!
//! Exit codes: 0 fine, 1 failed, 2 wrong arguments or input, 3 a policy does not compile, 5 an audit chain is broken,
//! 6 something needed is out of reach or not as it should be.

mod audit;
mod check;
mod dev;
mod doctor;
mod manage;
mod output;
mod rooms;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use tenantry::{
    Error, ErrorKind, Options, Result, Tenantry,
    config::{Config, Storage, untold_variables},
    runtime,
};

use self::output::Output;

/// The boundary between the customers of an AI product.
#[derive(Debug, Parser)]
#[command(name = "tenantry", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The data folder; else TENANTRY_DATA_DIR, tenantry.toml, or .tenantry.
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Results as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a data folder over HTTP.
    Serve(serve::Arguments),
    /// Serves a throwaway data folder on this machine, with a key to start with.
    Dev(dev::Arguments),
    /// Says whether this machine and the data folder are fit to serve.
    Doctor,
    /// Customer organisations.
    #[command(subcommand)]
    Accounts(manage::Accounts),
    /// Workspaces of an account.
    #[command(subcommand)]
    Projects(manage::Projects),
    /// API keys.
    #[command(subcommand)]
    Keys(manage::Keys),
    /// Policies of a project.
    #[command(subcommand)]
    Policies(manage::Policies),
    /// Rate limits of a project, and of the layers above.
    #[command(subcommand)]
    Limits(rooms::Limits),
    /// What a project may tune.
    #[command(subcommand)]
    Settings(rooms::Settings),
    /// The audit trail of a project.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Says whether policy files compile.
    Check(check::Arguments),
    /// Prints what completes these commands in a shell.
    Completions {
        /// For `bash`: tenantry completions bash > ~/.local/share/bash-completion/completions/tenantry
        shell: Shell,
    },
}

/// What a command came to, where that is not simply done.
enum Outcome {
    Fine,
    NotCompiled,
    AuditBroken,
    Degraded,
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    for variable in untold_variables() {
        // The doctor says it in its own table.
        if !matches!(cli.command, Command::Doctor) {
            output.warning(&variable.to_string());
        }
    }
    let folder = cli.data_dir.clone();
    match execute(cli, output) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::NotCompiled) => ExitCode::from(3),
        Ok(Outcome::AuditBroken) => ExitCode::from(5),
        Ok(Outcome::Degraded) => ExitCode::from(6),
        Err(error) => {
            output.error(&placed(error.clone(), folder));
            ExitCode::from(code_of(&error))
        }
    }
}

/// What is missing is mostly in another folder: whoever stands in the wrong one is told where it was looked for.
fn placed(error: Error, folder: Option<PathBuf>) -> Error {
    let storage = folder.map(Storage::Folder);
    match Config::resolve(Options { storage, ..Options::default() }).map(|config| config.storage) {
        Ok(Storage::Folder(folder)) if error.code() == "scope_not_found" => {
            let place = format!("it was looked for in the data folder `{}`", folder.display());
            let help = error.help().map_or_else(|| place.clone(), |help| format!("{place}; {help}"));
            error.with_help(help)
        }
        _ => error,
    }
}

fn code_of(error: &Error) -> u8 {
    match (error.kind(), error.code()) {
        (ErrorKind::InvalidArgument, code) if code.starts_with("policy_") && code != "policy_name_invalid" => 3,
        (ErrorKind::InvalidArgument, _) => 2,
        (ErrorKind::Unavailable | ErrorKind::Data, _) => 6,
        _ => 1,
    }
}

fn execute(cli: Cli, output: Output) -> Result<Outcome> {
    let storage = cli.data_dir.map(Storage::Folder);
    let open = || Tenantry::open(serve::as_the_process(storage.clone()));
    match cli.command {
        Command::Serve(arguments) => runtime::handle()?.block_on(serve::run(arguments, storage, output)),
        Command::Dev(arguments) => runtime::handle()?.block_on(dev::run(arguments, output)),
        Command::Doctor => Ok(doctor::run(storage, output)),
        Command::Accounts(command) => closing(&open()?, |client| manage::accounts(client, command, output)),
        Command::Projects(command) => closing(&open()?, |client| manage::projects(client, command, output)),
        Command::Keys(command) => closing(&open()?, |client| manage::keys(client, command, output)),
        Command::Policies(command) => closing(&open()?, |client| manage::policies(client, command, output)),
        Command::Limits(command) => closing(&open()?, |client| rooms::limits(client, command, output)),
        Command::Settings(command) => closing(&open()?, |client| rooms::settings(client, command, output)),
        Command::Audit(command) => closing(&open()?, |client| audit::run(client, command, output)),
        Command::Check(arguments) => check::run(&arguments, output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tenantry", &mut script);
            output.line(String::from_utf8_lossy(&script).trim_end());
            Ok(Outcome::Fine)
        }
    }
}

/// Does the work, and writes everything down whatever came of it.
fn closing(client: &Tenantry, work: impl FnOnce(&Tenantry) -> Result<Outcome>) -> Result<Outcome> {
    let outcome = work(client);
    let closed = client.close_blocking();
    let outcome = outcome?;
    closed.map(|()| outcome)
}
