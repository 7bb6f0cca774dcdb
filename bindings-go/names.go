package tenantry

// What a guard call decided.
const (
	// DecisionAllow: proceed.
	DecisionAllow Decision = "allow"
	// DecisionModify: proceed with the redacted content.
	DecisionModify Decision = "modify"
	// DecisionStepUp: wait for somebody's approval.
	DecisionStepUp Decision = "step_up"
	// DecisionDefer: ask again when more is known.
	DecisionDefer Decision = "defer"
	// DecisionDeny: do not proceed.
	DecisionDeny Decision = "deny"
)

// What kind of text a request holds.
const (
	ContentPrompt    ContentType = "prompt"
	ContentResponse  ContentType = "response"
	ContentToolCall  ContentType = "tool_call"
	ContentFile      ContentType = "file"
	ContentClipboard ContentType = "clipboard"
)

// How bad a finding is, from harmless to worst.
const (
	SeverityNone     Severity = "none"
	SeverityLow      Severity = "low"
	SeverityMedium   Severity = "medium"
	SeverityHigh     Severity = "high"
	SeverityCritical Severity = "critical"
)
