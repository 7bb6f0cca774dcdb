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

// How strictly policy outcomes are applied, from lax to strict.
const (
	ModeMonitor Mode = "monitor"
	ModeAlert   Mode = "alert"
	ModeModify  Mode = "modify"
	ModeEnforce Mode = "enforce"
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

// Where in the hierarchy a policy or limit sits.
const (
	LayerPlatform Layer = "platform"
	LayerAccount  Layer = "account"
	LayerProject  Layer = "project"
)

// What a principal is to policies.
const (
	PrincipalUser  PrincipalType = "user"
	PrincipalAgent PrincipalType = "agent"
)

// Whether a tenant may be acted in.
const (
	StatusActive    Status = "active"
	StatusSuspended Status = "suspended"
)

// What a rate is counted by.
const (
	LimitByScope     LimitKey = "scope"
	LimitByPrincipal LimitKey = "principal"
	LimitBySession   LimitKey = "session"
	LimitByTool      LimitKey = "tool"
	LimitByAction    LimitKey = "action"
	LimitByCustom    LimitKey = "custom"
)

// What happens when a rate is exceeded.
const (
	OnExceedReject OnExceed = "reject"
	OnExceedQueue  OnExceed = "queue"
	OnExceedReport OnExceed = "report"
)

// How strongly the audit trail of a project is kept.
const (
	AuditRequired AuditClass = "required"
	AuditStandard AuditClass = "standard"
	AuditSampled  AuditClass = "sampled"
)

// Which row of an audit trail comes first.
const (
	AuditOldest AuditOrder = "oldest"
	AuditNewest AuditOrder = "newest"
)

// Signature algorithms of tokens (RFC 7518, RFC 8037).
const (
	AlgorithmRS256 Algorithm = "RS256"
	AlgorithmRS384 Algorithm = "RS384"
	AlgorithmRS512 Algorithm = "RS512"
	AlgorithmPS256 Algorithm = "PS256"
	AlgorithmES256 Algorithm = "ES256"
	AlgorithmES384 Algorithm = "ES384"
	AlgorithmEdDSA Algorithm = "EdDSA"
	// AlgorithmHS256: only for an issuer whose secret we hold.
	AlgorithmHS256 Algorithm = "HS256"
)

// Whether an API key is taken.
const (
	KeyActive  KeyState = "active"
	KeyRevoked KeyState = "revoked"
	KeyExpired KeyState = "expired"
)

// What a credential was.
const (
	// CredentialAPIKey: an API key.
	CredentialAPIKey CredentialKind = "api_key"
	// CredentialToken: a token we issued.
	CredentialToken CredentialKind = "token"
	// CredentialJWT: a token of another issuer.
	CredentialJWT CredentialKind = "jwt"
	// CredentialDev: anything at all, in dev mode.
	CredentialDev CredentialKind = "dev"
)
