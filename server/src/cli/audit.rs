//! The audit trail of a project: verified, or read as it grows.

use std::time::Duration;

use clap::Subcommand;
use tenantry::{
    Result, Tenantry,
    api::{AuditHead, AuditRecord, Since, VerifyReport},
};

use super::{
    Outcome,
    output::{Mark, Output},
};

const LOOK: Duration = Duration::from_millis(300);

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Recomputes the chain and holds it against its signed head.
    Verify {
        account: String,
        project: String,
        /// A head printed earlier (`tnh1.…`), to hold it against, too.
        #[arg(long)]
        anchor: Option<String>,
    },
    /// As verify, for what is done on the platform itself; names what of nobody's lies among the journals.
    Platform,
    /// The newest rows.
    Tail {
        account: String,
        project: String,
        /// How many.
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: u64,
        /// Goes on as rows come.
        #[arg(short, long)]
        follow: bool,
    },
}

pub fn run(client: &Tenantry, command: Audit, output: Output) -> Result<Outcome> {
    match command {
        Audit::Verify { account, project, anchor } => {
            let anchor = anchor.as_deref().map(AuditHead::from_text).transpose()?;
            let audit = client.tenant_blocking(&account, &project)?.audit();
            let report = audit.verify_blocking(anchor.as_ref())?;
            output.value(&report, |report| verdict(report, output))?;
            Ok(if report.ok { Outcome::Fine } else { Outcome::AuditBroken })
        }
        Audit::Platform => {
            let report = client.admin().verify_blocking()?;
            output.value(&report, |report| verdict(report, output))?;
            Ok(if report.ok { Outcome::Fine } else { Outcome::AuditBroken })
        }
        Audit::Tail { account, project, lines, follow } => {
            let audit = client.tenant_blocking(&account, &project)?.audit();
            let newest = audit.head_blocking()?.sequence;
            let mut after = newest.saturating_sub(lines);
            loop {
                let rows = audit.query_blocking(Since::Sequence(after), 1_000)?;
                for row in &rows {
                    if !follow && row.sequence > newest {
                        return Ok(Outcome::Fine);
                    }
                    output.value(row, shown)?;
                    after = row.sequence;
                }
                if !follow && after >= newest || !output.is_read() {
                    return Ok(Outcome::Fine);
                }
                if rows.is_empty() {
                    std::thread::sleep(LOOK);
                }
            }
        }
    }
}

fn verdict(report: &VerifyReport, output: Output) -> String {
    let mark = if report.ok { output.marked(Mark::Good, "intact") } else { output.marked(Mark::Bad, "broken") };
    let mut lines = vec![format!("{mark}: {} rows, signed up to row {}", report.rows, report.head_sequence)];
    lines.extend(report.problems.iter().map(|problem| format!("  {problem}")));
    lines.join("\n")
}

fn shown(row: &AuditRecord) -> String {
    let decision = row.decision.as_deref().unwrap_or("");
    format!("{:>8}  {}  {:<16} {:<8} {}", row.sequence, row.at, row.kind, decision, row.request_id)
}
