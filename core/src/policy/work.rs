//! What judging policies costs, estimated before it is done. Owns the units and the bounds on one call; touches only
//! `context_keys` and `error`.
//!
//! A unit is about a nanosecond of a release build. Every part of a condition is evaluated at most once, so the cost of a
//! policy is its size, and for `like` and sets the size of what the call brings.

use serde_json::Value;

use super::ask::Ask;
use crate::{
    context_keys::KeyValue,
    error::{Error, Result},
};

/// Most work of one call that is done where it is asked for, in units; more of it goes to a worker.
pub const INLINE: u64 = 200_000;
/// Most work of one policy for one call, in units: it cannot be stopped half way. A policy above it is an error of that call.
pub const MAX_POLICY: u64 = 10_000_000;
/// Work between two looks at the clock, in units.
const BETWEEN_LOOKS: u64 = 1_000_000;

/// Units one part of a condition costs, compiled and in stock Cedar.
const NODE: u64 = 5;
const STOCK_NODE: u64 = 150;
/// Units a step of stock Cedar's `like` costs: it compares a pattern at every place of a text.
const STOCK_STEP: u64 = 2;

/// How large a policy is, in what its cost grows with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    nodes: u64,
    likes: u64,
    /// Characters of all patterns.
    pattern: u64,
    /// Operations whose cost grows with what they compare.
    comparisons: u64,
    /// Members of the sets the policy writes out.
    members: u64,
    /// `containsAll` and `containsAny`: members of a set written out that meet those of a call's, pairs of members that are both
    /// written out, and operations on two sets of the call.
    members_met: u64,
    pairs: u64,
    sets_met: u64,
    /// Depth of the condition's tree.
    pub depth: usize,
}

impl Work {
    /// Measures a policy in Cedar's JSON form.
    pub fn of(policy: &Value) -> Self {
        let mut work = Self { nodes: 4, ..Self::default() };
        for condition in policy.get("conditions").and_then(Value::as_array).into_iter().flatten() {
            if let Some(body) = condition.get("body") {
                let deepest = work.add(body);
                work.depth = work.depth.max(deepest + 1);
                work.nodes += 1;
            }
        }
        work
    }

    /// Recurses as deep as the text's bound allows; returns how deep it was.
    fn add(&mut self, expression: &Value) -> usize {
        let Some((operator, operands)) = expression.as_object().and_then(|fields| fields.iter().next()) else {
            return 0;
        };
        self.nodes += 1;
        let below = match operator.as_str() {
            "Value" | "Var" => 0,
            "like" => {
                self.likes += 1;
                self.pattern += operands.get("pattern").and_then(Value::as_array).map_or(0, |parts| parts.len() as u64);
                operands.get("left").map_or(0, |left| self.add(left))
            }
            "Set" => {
                self.members += members(expression).unwrap_or(0);
                // Stock Cedar sorts the members of a set by their values, of whatever size the call brings them.
                let of_the_call = |member: &&Value| member.get("Value").is_none();
                self.comparisons += operands.as_array().map_or(0, |all| all.iter().filter(of_the_call).count() as u64);
                self.each(operands)
            }
            "containsAll" | "containsAny" => {
                self.comparisons += 1;
                match (operands.get("left").and_then(members), operands.get("right").and_then(members)) {
                    (Some(left), Some(right)) => self.pairs = self.pairs.saturating_add(left.saturating_mul(right)),
                    (Some(written), None) | (None, Some(written)) => self.members_met += written,
                    (None, None) => self.sets_met += 1,
                }
                self.each(operands)
            }
            "contains" | "==" | "!=" | "in" => {
                self.comparisons += 1;
                self.each(operands)
            }
            _ => self.each(operands),
        };
        below + 1
    }

    fn each(&mut self, operands: &Value) -> usize {
        match operands {
            Value::Array(items) => items.iter().map(|item| self.add(item)).max().unwrap_or(0),
            Value::Object(fields) => fields.values().map(|field| self.add(field)).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Whether the cost depends on what the call brings.
    pub const fn grows(&self) -> bool {
        self.likes > 0 || self.comparisons > 0
    }

    /// The part of the cost that no call changes, in stock Cedar.
    pub const fn stock_base(&self) -> u64 {
        self.nodes * STOCK_NODE
    }

    /// The cost for a call of this size, in stock Cedar.
    pub const fn stock(&self, call: Size) -> u64 {
        self.stock_base()
            .saturating_add(STOCK_STEP.saturating_mul(self.pattern + self.likes).saturating_mul(call.text + 1))
            .saturating_add(STOCK_NODE.saturating_mul(self.members))
            .saturating_add(STOCK_STEP.saturating_mul(self.comparisons).saturating_mul(call.all))
    }

    /// The cost for a call of this size, in the compiled form.
    pub const fn compiled(&self, call: Size) -> u64 {
        (self.nodes * NODE)
            .saturating_add(self.likes.saturating_mul(call.text))
            .saturating_add(self.comparisons.saturating_mul(call.all / 8))
            .saturating_add(self.pairs)
            .saturating_add(self.members_met.saturating_mul(call.members))
            .saturating_add(self.sets_met.saturating_mul(call.members).saturating_mul(call.members))
    }

    /// Adds the cost of another policy.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            nodes: self.nodes + other.nodes,
            likes: self.likes + other.likes,
            pattern: self.pattern + other.pattern,
            comparisons: self.comparisons + other.comparisons,
            members: self.members + other.members,
            members_met: self.members_met + other.members_met,
            pairs: self.pairs.saturating_add(other.pairs),
            sets_met: self.sets_met + other.sets_met,
            depth: if self.depth > other.depth { self.depth } else { other.depth },
        }
    }
}

/// How many members a set that is written out has.
fn members(expression: &Value) -> Option<u64> {
    expression.get("Set").and_then(Value::as_array).map(|members| members.len() as u64)
}

/// How large the values of a call are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Size {
    /// Bytes of the longest text.
    text: u64,
    /// Members of the largest set.
    members: u64,
    /// Bytes of everything.
    all: u64,
}

impl Size {
    /// Measures what policies may read of a call.
    pub fn of(ask: &Ask<'_>) -> Self {
        let mut size = Self::default();
        ask.keys.iter().for_each(|(_, value)| size.add(value));
        ask.metadata.iter().for_each(|(_, value)| size.add(value));
        size
    }

    fn add(&mut self, value: &KeyValue) {
        match value {
            KeyValue::Text(text) => self.text(text.len()),
            KeyValue::Set(items) => {
                self.members = self.members.max(items.len() as u64);
                items.iter().for_each(|item| self.text(item.len()));
            }
            // Records of the table are one level deep.
            KeyValue::Record(fields) => fields.iter().for_each(|(_, value)| self.add(value)),
            KeyValue::Bool(_) | KeyValue::Long(_) => self.all += 8,
        }
    }

    fn text(&mut self, length: usize) {
        self.text = self.text.max(length as u64);
        self.all += length as u64 + 8;
    }

    /// What handing these values to stock Cedar costs.
    pub const fn handing_over(&self) -> u64 {
        20_000 + self.all * 2
    }
}

/// What a judgement may still cost; looks at the clock now and then.
pub struct Budget<'a> {
    since_look: u64,
    /// Fails when the call's time is up.
    look: &'a dyn Fn() -> Result<()>,
}

impl<'a> Budget<'a> {
    /// A budget that ends when `look` fails.
    pub fn new(look: &'a dyn Fn() -> Result<()>) -> Self {
        Self { since_look: 0, look }
    }

    /// Asks for `work` before it is done.
    pub fn take(&mut self, work: u64) -> Result<()> {
        self.since_look = self.since_look.saturating_add(work);
        if self.since_look < BETWEEN_LOOKS {
            return Ok(());
        }
        self.since_look = 0;
        (self.look)()
    }
}

/// Why a policy is not judged for a call.
pub fn too_much(work: u64) -> Error {
    Error::invalid(
        "policy_too_complex",
        format!("judging it for a call of this size takes {work} steps, at most {MAX_POLICY} are taken"),
    )
}
