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
    let first = acme.usage().report_blocking(&report("call-1")).unwrap();
    assert_eq!(first, UsageReceipt { cost_micros: 3_500, priced: true, recorded: true });
    let again = || acme.usage().report_blocking(&report("call-1")).unwrap().recorded;
    assert!(!again());
    assert!(globex.usage().report_blocking(&report("call-1")).unwrap().recorded, "its own call");
    clock.advance(Duration::from_secs(48 * 3_600 - 1));
    assert!(!again());
    clock.advance(Duration::from_secs(1));
    assert!(again());
}

#[test]
fn a_report_without_an_id_is_a_call_of_its_own() {
    let acme = project(&memory(), "acme", "prod");
    for _ in 0..2 {
        assert!(acme.usage().report_blocking(&report("")).unwrap().recorded);
    }
}

#[test]
fn what_was_written_down_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let client = on(folder.path());
    assert!(project(&client, "acme", "prod").usage().report_blocking(&report("call-1")).unwrap().recorded);
    client.close_blocking().unwrap();
    let acme = on(folder.path()).tenant_blocking("acme", "prod").unwrap();
    assert!(!acme.usage().report_blocking(&report("call-1")).unwrap().recorded);
}

#[test]
fn a_guard_call_may_tell_tokens_and_no_model() {
    let acme = project(&memory(), "acme", "prod");
    let model = Some(ModelContext { model: None, ..report("").model });
    let answer = acme.guard().evaluate_blocking(GuardRequest { model, ..GuardRequest::prompt("hello") }).unwrap();
    assert_eq!(answer.decision, Decision::Allow);
}
