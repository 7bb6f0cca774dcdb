//! Why a call is not permitted, in words: what was asked, which permits came near, and what to do. Pure.

use std::fmt::Write as _;

use super::{Call, PolicyInput, decide};
use crate::{
    context_keys::Action,
    detect, nearest,
    policy::{self, LOOKED_AT, Near, Outcome, Place},
    scope::Layer,
};

/// Why policies do not permit the call.
pub fn reason(call: &Call, input: &PolicyInput, verdict: &policy::Verdict) -> String {
    let set = &call.tenant.policies;
    let first = verdict.determining.first().and_then(|index| set.rule(*index));
    match (verdict.outcome, first) {
        (Outcome::Forbid, Some(rule)) => rule
            .annotations
            .reject_message
            .clone()
            .or_else(|| rule.annotations.description.clone())
            .unwrap_or_else(|| format!("forbidden by policy `{}`", rule.rule_id())),
        (Outcome::PolicyError, Some(rule)) => format!("policy `{}` could not be evaluated", rule.rule_id()),
        (Outcome::DefaultDeny(missing), _) => not_permitted(call, input, missing),
        _ => format!("no policy permits {}", asked(call)),
    }
}

fn not_permitted(call: &Call, input: &PolicyInput, missing: Option<Layer>) -> String {
    let asked = asked(call);
    let mut told = match missing {
        Some(layer) => format!("the {} ceiling does not permit {asked}", layer.name()),
        None => format!("no policy permits {asked}"),
    };
    // A guest learns what was decided, and of the policies nothing.
    if !call.flags.tells_policies {
        return told;
    }
    let near = call.tenant.policies.near(&decide::ask(call, input), missing);
    let action = call.action.name();
    let _ = match missing {
        Some(layer) => {
            let name = layer.name();
            let about = match (near.above, near.cut) {
                (true, _) => "its permits about this have conditions that do not hold",
                (false, true) => "none of its permits looked at is about this",
                (false, false) => "none of its permits is about this",
            };
            write!(told, ": {about}; ask whoever keeps the {name}'s policies")
        }
        None if near.own.is_empty() && !near.above => {
            let none = if near.cut { format!("none of {LOOKED_AT} policies looked at") } else { "no permit".into() };
            write!(told, ": {none} is about this; put one for `{action}`")
        }
        None => write!(
            told,
            ": {}; ask with `explain` for what policies read here, or put a permit for `{action}`",
            named(&near)
        ),
    };
    told
}

/// The permits that came near, in one phrase.
fn named(near: &Near<'_>) -> String {
    let mut told: Vec<String> = near
        .own
        .iter()
        .map(|(rule, keys)| {
            let on: Vec<String> = keys.iter().map(|key| format!("`{}`", shown(key))).collect();
            let on = if on.is_empty() { String::new() } else { format!(" on {}", on.join(", ")) };
            format!("the condition{on} of `{}` does not hold", rule.policy_id)
        })
        .collect();
    if near.more {
        told.push("nor do more of the project's".into());
    }
    if near.above {
        told.push("a permit of a layer above has a condition that does not hold".into());
    }
    told.join(", ")
}

/// The action, and what it is about.
fn asked(call: &Call) -> String {
    let mut asked = format!("`{}`", call.action.name());
    let request = &call.request;
    let subject = match call.action {
        Action::CallTool => request.tool.as_ref().map(|tool| ("of tool", tool.name.as_str())),
        Action::ConnectServer => request.mcp.as_ref().map(|mcp| ("to server", mcp.server_name.as_str())),
        _ => None,
    };
    if let Some((what, name)) = subject.filter(|(_, name)| !name.is_empty()) {
        let _ = write!(asked, " {what} `{}`", shown(name));
    }
    let (_, project) = decide::names(call);
    let _ = match (decide::place(call), &call.session) {
        (Place::App, _) => write!(asked, " on `App::\"{project}\"`"),
        (Place::Session(id), Some(_)) => write!(asked, " on `Session::\"{}\"`", shown(id)),
        (Place::Session(_), None) => write!(asked, " on this call's own `Session`"),
    };
    asked
}

/// A name a caller or policy gave, without secrets.
fn shown(name: &str) -> String {
    nearest::shown(&detect::masked_name(name))
}
