//! What the scanners gathered, as keys, raw keys and signals. Owns the words and severities of signals; touches only ground.

use super::{CATALOGUE, DetectorRun, Findings, Tally, injection, pii, secrets, security, tool_risk};
use crate::{
    api::{McpContext, Severity, Signal, ToolContext},
    context_keys::{ContextKey, KeyValue},
};

/// Turns what the scanners gathered into keys, raw keys and signals.
pub struct Output {
    findings: Findings,
    raw: Vec<(&'static str, KeyValue)>,
}

impl Output {
    /// Over what the span detectors found.
    pub const fn over(findings: Findings) -> Self {
        Self { findings, raw: Vec::new() }
    }

    /// Everything.
    pub fn findings(self) -> Findings {
        self.findings
    }

    /// What the detector at this place of the catalogue did.
    pub fn close(&mut self, position: usize, ran: bool) {
        if let Some(info) = CATALOGUE.get(position) {
            let status = if ran { "ok" } else { "not_run" };
            let raw = std::mem::take(&mut self.raw);
            self.findings.runs.push(DetectorRun { name: info.name, tier: info.tier, status, raw });
        }
    }

    fn emit(&mut self, key: ContextKey, raw: &'static str, value: KeyValue) {
        self.raw.push((raw, value.clone()));
        self.findings.keys.push((key, value));
    }

    fn key(&mut self, key: ContextKey, value: KeyValue) {
        self.findings.keys.push((key, value));
    }

    fn signal(&mut self, category: &str, key: ContextKey, name: &str, score: i64, severity: Severity, owasp: &str) {
        self.findings.signals.push(Signal {
            category: category.to_owned(),
            context_key: key.name().to_owned(),
            name: name.to_owned(),
            score,
            severity,
            vulnerability_id: owasp.to_owned(),
        });
    }

    pub fn secrets(&mut self, tally: &mut Tally) {
        let kinds = tally.kinds();
        self.emit(ContextKey::SecretsDetected, "contains_secrets", KeyValue::Bool(!kinds.is_empty()));
        self.emit(ContextKey::SecretCount, "secret_count", KeyValue::Long(tally.count()));
        self.emit(ContextKey::SecretTypes, "secret_types", KeyValue::Set(kinds));
        for kind in &tally.kinds {
            let (name, severity) = secrets::describe(kind);
            self.signal("secrets", ContextKey::SecretTypes, name, 100, severity, "LLM02:2025");
        }
    }

    pub fn pii(&mut self, tally: &mut Tally) {
        let kinds = tally.kinds();
        let count = tally.count();
        self.emit(ContextKey::PiiDetected, "pii_detected", KeyValue::Bool(!kinds.is_empty()));
        self.emit(ContextKey::PiiCount, "pii_count", KeyValue::Long(count));
        self.emit(ContextKey::PiiTypes, "pii_types", KeyValue::Set(kinds));
        // The shipped contract: the score is the count, so that its thresholds mean what they mean elsewhere.
        self.key(ContextKey::PiiScore, KeyValue::Long(count.min(100)));
        for kind in &tally.kinds {
            let (name, severity) = pii::describe(kind);
            self.signal("privacy", ContextKey::PiiTypes, name, 100, severity, "LLM02:2025");
        }
    }

    pub fn security(&mut self, unseen: &security::Unseen) {
        let score = unseen.score();
        self.emit(ContextKey::ContainsNonAscii, "contains_non_ascii", KeyValue::Bool(unseen.has_non_ascii()));
        self.raw.push(("non_ascii_score", KeyValue::Long(unseen.non_ascii_score())));
        self.emit(ContextKey::InvisibleCharsDetected, "contains_invisible_chars", KeyValue::Bool(score > 0));
        self.emit(ContextKey::InvisibleCharsScore, "invisible_chars_score", KeyValue::Long(score));
        if score > 0 {
            let severity = if score >= 90 { Severity::High } else { Severity::Medium };
            let key = ContextKey::InvisibleCharsDetected;
            self.signal("security", key, "invisible characters", score, severity, "LLM01:2025");
        }
    }

    pub fn injection(&mut self, attack: &injection::Attack, is_tool_call: bool) {
        let verdict = attack.verdict();
        let (injection, jailbreak) = (KeyValue::Long(verdict.injection), KeyValue::Long(verdict.jailbreak));
        self.emit(ContextKey::InjectionScore, "injection_confidence", injection.clone());
        self.emit(ContextKey::JailbreakScore, "jailbreak_confidence", jailbreak.clone());
        self.key(ContextKey::InjectionPulseScore, injection);
        self.key(ContextKey::JailbreakPulseScore, jailbreak);
        if let Some(kind) = verdict.kind {
            self.emit(ContextKey::InjectionType, "injection_type", KeyValue::Text(kind.into()));
        }
        if is_tool_call {
            self.key(ContextKey::IndirectInjectionScore, KeyValue::Long(verdict.injection));
            if let Some(kind) = verdict.kind {
                self.key(ContextKey::IndirectInjectionType, KeyValue::Text(kind.into()));
            }
        }
        let rows = [
            (ContextKey::InjectionScore, "prompt injection", verdict.injection),
            (ContextKey::JailbreakScore, "jailbreak attempt", verdict.jailbreak),
        ];
        for (key, name, score) in rows {
            let severity = match score {
                86.. => Severity::Critical,
                61.. => Severity::High,
                50.. => Severity::Medium,
                _ => continue,
            };
            self.signal("injection", key, name, score, severity, "LLM01:2025");
        }
    }

    pub fn tool_risk(&mut self, tool: Option<&ToolContext>, mcp: Option<&McpContext>) {
        if let Some(tool) = tool {
            let risk = tool_risk::rate(&tool.name);
            self.emit(ContextKey::ToolName, "tool_name", KeyValue::Text(tool.name.clone().into()));
            self.emit(ContextKey::ToolRiskScore, "tool_risk_score", KeyValue::Long(risk.score));
            self.emit(ContextKey::ToolIsSensitive, "tool_is_sensitive", KeyValue::Bool(risk.is_sensitive));
            self.emit(ContextKey::ToolIsBuiltin, "tool_is_builtin", KeyValue::Bool(tool.is_builtin));
            if let Some(category) = risk.category {
                self.emit(ContextKey::ToolCategory, "tool_category", KeyValue::Text(category.into()));
            }
            if risk.category == Some("dangerous") {
                let key = ContextKey::ToolRiskScore;
                self.signal("agent-security", key, "dangerous tool", risk.score, Severity::High, "LLM06:2025");
            }
        }
        let of_tool = tool.and_then(|tool| tool.server_id.as_deref()).filter(|server| !server.is_empty());
        let of_mcp = mcp.map(|mcp| mcp.server_name.as_str()).filter(|server| !server.is_empty());
        if let Some(server) = of_tool.or(of_mcp) {
            self.emit(ContextKey::McpServer, "mcp_server", KeyValue::Text(server.to_owned().into()));
        }
        if let (Some(tool), Some(_)) = (tool, of_tool) {
            self.emit(ContextKey::McpTool, "mcp_tool", KeyValue::Text(tool.name.clone().into()));
        }
        if let Some(verified) = mcp.and_then(|mcp| mcp.verified) {
            self.emit(ContextKey::McpServerVerified, "mcp_server_verified", KeyValue::Bool(verified));
        }
    }
}
