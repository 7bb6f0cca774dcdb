//! The audit trail of a project: verified, or read as it grows.

use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;
use tenantry::{
    Result, Tenantry,
    api::{AuditAnchor, AuditHead, AuditQuery, AuditRange, AuditRecord, Since, VerifyReport},
    client::Audit as Trail,
};

use super::{
    Outcome,
    output::{Mark, Output, plain},
};

/// How long a tail waits before it looks again.
const LOOK: Duration = Duration::from_millis(300);
/// Most rows asked for at once.
const PAGE: u32 = 1_000;
/// The widest a column grows.
const WIDEST: usize = 40;

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
    /// Prints a freshly signed head in one line: keep it elsewhere, and give it to `verify --anchor` later.
    Head { account: String, project: String },
    /// As verify, for what is done on the platform itself; names what of nobody's lies among the journals.
    Platform,
    /// The newest rows: who did what, what came of it, and why.
    Tail {
        account: String,
        project: String,
        /// How many.
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: usize,
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
            let report = audit.verify_blocking(AuditAnchor::of(anchor.as_ref()))?;
            output.value(&report, |report| verdict(report, output))?;
            Ok(if report.ok { Outcome::Fine } else { Outcome::AuditBroken })
        }
        Audit::Head { account, project } => {
            let head = client.tenant_blocking(&account, &project)?.audit().head_blocking()?;
            output.value(&head.head, AuditHead::to_text)?;
            Ok(Outcome::Fine)
        }
        Audit::Platform => {
            let report = client.admin().verify_blocking()?;
            output.value(&report, |report| verdict(report, output))?;
            Ok(if report.ok { Outcome::Fine } else { Outcome::AuditBroken })
        }
        Audit::Tail { account, project, lines, follow } => {
            tail(&client.tenant_blocking(&account, &project)?.audit(), lines, follow, output)?;
            Ok(Outcome::Fine)
        }
    }
}

fn tail(audit: &Trail, lines: usize, follow: bool, output: Output) -> Result<()> {
    let mut newest = Vec::new();
    while newest.len() < lines {
        let before = newest.last().map(|row: &AuditRecord| row.sequence);
        let range = AuditRange { before, ..AuditRange::newest() };
        let page = audit.query_blocking(
            AuditQuery::from(range).limit(u32::try_from(lines - newest.len()).unwrap_or(PAGE).min(PAGE)),
        )?;
        if page.is_empty() {
            break;
        }
        newest.extend(page);
    }
    newest.reverse();
    // Without a line to go on after, what is written from now on follows the head.
    let mut after = match newest.last() {
        Some(row) => row.sequence,
        None if follow => audit.head_blocking()?.sequence,
        None => return Ok(()),
    };
    let mut columns = Columns::default();
    output.head(|| columns.head(&newest));
    for row in &newest {
        output.value(row, |row| columns.row(row, output))?;
    }
    while follow && output.is_read() {
        let rows = audit.query_blocking(AuditQuery::from(Since::Sequence(after)).limit(PAGE))?;
        for row in &rows {
            output.value(row, |row| columns.row(row, output))?;
            after = row.sequence;
        }
        if rows.is_empty() {
            std::thread::sleep(LOOK);
        }
    }
    Ok(())
}

fn verdict(report: &VerifyReport, output: Output) -> String {
    let mark = if report.ok { output.marked(Mark::Good, "intact") } else { output.marked(Mark::Bad, "broken") };
    let mut lines = vec![format!("{mark}: {} rows, signed up to row {}", report.rows, report.head_sequence)];
    lines.extend(report.problems.iter().map(|problem| format!("  {problem}")));
    lines.join("\n")
}

/// What a row tells people: when, what, with which outcome, who, and why.
fn told(row: &AuditRecord) -> [String; 6] {
    let text = |name: &str| row.body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let texts = |name: &str| {
        let items = row.body.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    let principal = row.body.get("principal").and_then(Value::as_object);
    let part = |name: &str| principal.and_then(|fields| fields.get(name)).and_then(Value::as_str).unwrap_or_default();
    let (who, what, why) = match row.kind.as_str() {
        "decision" => {
            let tool = text("tool");
            let what = if tool.is_empty() { text("action") } else { format!("{} {tool}", text("action")) };
            let reasons = [text("code"), text("limit_id"), texts("policies"), texts("policy_errors")];
            let mut why: Vec<String> = reasons.into_iter().filter(|reason| !reason.is_empty()).collect();
            let found = texts("signals");
            if !found.is_empty() {
                why.push(format!("found {found}"));
            }
            let actual = text("actual_decision");
            if !actual.is_empty() {
                why.push(format!("else {actual}"));
            }
            (format!("{}:{}", part("type"), part("id")), what, why.join(", "))
        }
        "error" => (String::new(), "error".to_owned(), format!("{} {}", text("error"), text("code"))),
        // An admin event says what it was about by the other fields of its body.
        kind => {
            let about = row.body.iter().filter(|(name, _)| *name != "by").map(|(name, value)| match value {
                Value::String(text) => format!("{name} {text}"),
                other => format!("{name} {other}"),
            });
            (text("by"), kind.to_owned(), about.collect::<Vec<_>>().join(", "))
        }
    };
    let outcome = row.decision.clone().unwrap_or_default();
    [row.sequence.to_string(), row.at.clone(), what, outcome, who, why].map(|cell| plain(&cell))
}

/// Columns that keep their width from row to row, and grow with what does not fit.
struct Columns([usize; 6]);

const HEADS: [&str; 6] = ["ROW", "WHEN", "WHAT", "DECISION", "WHO", "WHY"];

impl Default for Columns {
    fn default() -> Self {
        Self([8, 24, 16, 8, 12, 0])
    }
}

impl Columns {
    /// The heads, over columns that fit these rows.
    fn head(&mut self, rows: &[AuditRecord]) -> String {
        rows.iter().for_each(|row| self.fit(&told(row)));
        self.line(&HEADS.map(str::to_owned), &HEADS.map(str::to_owned))
    }

    fn fit(&mut self, cells: &[String; 6]) {
        for (width, cell) in self.0.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count().min(WIDEST));
        }
    }

    fn row(&mut self, row: &AuditRecord, output: Output) -> String {
        let cells = told(row);
        self.fit(&cells);
        let mut shown = cells.clone();
        if let (Some(outcome), Some(mark)) = (shown.get_mut(3), mark(&cells)) {
            *outcome = output.marked(mark, outcome);
        }
        self.line(&cells, &shown)
    }

    /// `shown`, padded by what `cells` take without their colours.
    fn line(&self, cells: &[String; 6], shown: &[String; 6]) -> String {
        let mut line = String::new();
        for (index, ((width, cell), shown)) in self.0.iter().zip(cells).zip(shown).enumerate() {
            let fill = " ".repeat(width.saturating_sub(cell.chars().count()));
            // Numbers stand at the right.
            line += &if index == 0 { format!("{fill}{shown}  ") } else { format!("{shown}{fill}  ") };
        }
        line.trim_end().to_owned()
    }
}

fn mark(cells: &[String; 6]) -> Option<Mark> {
    match cells.get(3).map(String::as_str) {
        Some("allow") => Some(Mark::Good),
        Some("deny") => Some(Mark::Bad),
        Some("modify" | "step_up" | "defer") => Some(Mark::Doubtful),
        _ => None,
    }
}
