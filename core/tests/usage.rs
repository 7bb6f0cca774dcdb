//! What model calls cost through the public doors: priced, and written down once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::Duration;

use support::{memory, on, project, with_clock};
use tenantry::api::{Decision, GuardRequest, ModelContext, UsageReceipt, UsageReport};

fn report(usage_id: &str) -> UsageReport {
    let model = ModelContext {
        model: Some("gpt-4o".into()),
        input_tokens: Some(1_000),
        output_tokens: Some(100),
        ..ModelContext::default()
    };
    UsageReport { usage_id: usage_id.into(), model, session_id: None }
}

#[test]
fn a_model_call_is_written_down_once_in_48_hours_and_tenant() {
    let (client, clock) = with_clock();
    let (acme, globex) = (project(&client, "acme", "prod"), project(&client, "globex", "prod"));
    let first = acme.usage().report_blocking(report("call-1")).unwrap();
    assert_eq!(first, UsageReceipt { cost_micros: 3_500, priced: true, recorded: true, differs: false });
    let again = || acme.usage().report_blocking(report("call-1")).unwrap().recorded;
    assert!(!again());
    assert!(globex.usage().report_blocking(report("call-1")).unwrap().recorded, "its own call");
    clock.advance(Duration::from_secs(48 * 3_600 - 1));
    assert!(!again());
    clock.advance(Duration::from_secs(1));
    assert!(again());
}

/// What the row of a call says: its model, its cost, and whether its reports differed.
fn rows(folder: &std::path::Path) -> Vec<(String, i64, bool)> {
    let ledger = rusqlite::Connection::open(folder.join("ledger.db")).unwrap();
    let mut rows = ledger.prepare("SELECT model, micros, differs FROM spend ORDER BY id").unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn of_two_reports_of_one_call_the_larger_counts_and_both_are_told() {
    const GPT: &str = "gpt-4o";
    const MINI: &str = "gpt-4o-mini";
    const HOME: &str = "llama-at-home";
    // Model and input tokens of each report, and what each receipt says of differing; then model and cost that count.
    type Case = (&'static [(&'static str, i64, bool)], &'static str, i64, bool);
    let cases: &[Case] = &[
        (&[(GPT, 1_000, false), (GPT, 1_000, false)], GPT, 2_500, false),
        (&[(GPT, 1_000, false), (GPT, 4_000, true)], GPT, 10_000, true),
        (&[(GPT, 4_000, false), (GPT, 1_000, true)], GPT, 10_000, true),
        (&[(GPT, 0, false), (GPT, 4_000, true)], GPT, 10_000, true),
        (&[(GPT, 4_000, false), (GPT, 0, true)], GPT, 10_000, true),
        (&[(MINI, 4_000, false), (GPT, 4_000, true)], GPT, 10_000, true),
        (&[(GPT, 4_000, false), (MINI, 4_000, true)], GPT, 10_000, true),
        (&[(HOME, 4_000, false), (GPT, 1, true)], GPT, 3, true),
        (&[(GPT, 1, false), (HOME, 4_000, true)], GPT, 3, true),
        (&[(HOME, 1, false), ("other", 1, true)], HOME, 0, true),
        (&[(GPT, 1, false), (GPT, 2_000, true), (GPT, 2_000, true), (GPT, 9, true)], GPT, 5_000, true),
        (&[(GPT, 2_000, false), (GPT, 1, true), (GPT, 2_000, true)], GPT, 5_000, true),
        (&[(GPT, 1, false), (GPT, 2, true), (GPT, 3_000, true), (GPT, 4_000, true)], GPT, 10_000, true),
    ];
    let folder = tempfile::tempdir().unwrap();
    let client = on(folder.path());
    let acme = project(&client, "acme", "prod");
    for (number, (reports, ..)) in cases.iter().enumerate() {
        for (nth, (model, input, differs)) in reports.iter().enumerate() {
            let model =
                ModelContext { model: Some((*model).into()), input_tokens: Some(*input), ..ModelContext::default() };
            let told = UsageReport { usage_id: format!("call-{number:02}"), model, session_id: None };
            let receipt = acme.usage().report_blocking(told).unwrap();
            assert_eq!((receipt.recorded, receipt.differs), (nth == 0, *differs), "case {number}, report {nth}");
        }
    }
    client.close_blocking().unwrap();
    let expected = cases.iter().map(|(_, model, micros, differs)| ((*model).to_owned(), *micros, *differs));
    assert_eq!(rows(folder.path()), expected.collect::<Vec<_>>());
}

#[test]
fn a_report_without_an_id_is_a_call_of_its_own() {
    let acme = project(&memory(), "acme", "prod");
    for _ in 0..2 {
        assert!(acme.usage().report_blocking(report("")).unwrap().recorded);
    }
}

#[test]
fn what_was_written_down_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let client = on(folder.path());
    assert!(project(&client, "acme", "prod").usage().report_blocking(report("call-1")).unwrap().recorded);
    client.close_blocking().unwrap();
    let acme = on(folder.path()).tenant_blocking("acme", "prod").unwrap();
    assert!(!acme.usage().report_blocking(report("call-1")).unwrap().recorded);
}

#[test]
fn a_guard_call_may_tell_tokens_and_no_model() {
    let acme = project(&memory(), "acme", "prod");
    let model = Some(ModelContext { model: None, ..report("").model });
    let answer = acme.guard().evaluate_blocking(GuardRequest { model, ..GuardRequest::prompt("hello") }).unwrap();
    assert_eq!(answer.decision, Decision::Allow);
}
