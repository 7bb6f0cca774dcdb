//go:build cgo

package tenantry

import "context"

// Shield guards what goes in and out with the policies of one project. Each method returns what may be passed on, with
// findings rewritten where the decision is modify, or a *BlockedError.
type Shield struct {
	guard   Guard
	options []CallOption
}

// ShieldOptions are used for every call of a shield.
type ShieldOptions struct {
	// Mode is how strictly policy outcomes are applied.
	Mode Mode
	// SessionID ties turns of one conversation together.
	SessionID string
}

// NewShield is a shield with the policies of a tenant.
func NewShield(tenant *Tenant, options ShieldOptions) *Shield {
	return &Shield{
		guard:   tenant.Guard(),
		options: []CallOption{WithMode(options.Mode), WithSession(options.SessionID)},
	}
}

// Prompt guards a prompt a user sends.
func (s *Shield) Prompt(ctx context.Context, text string) (string, error) {
	return passed(text)(s.guard.EvaluatePrompt(ctx, text, s.options...))
}

// Response guards a text a model gave back.
func (s *Shield) Response(ctx context.Context, text string) (string, error) {
	return passed(text)(s.guard.EvaluateResponse(ctx, text, s.options...))
}

// ToolResponse guards what a tool gave back. A tool has a name (tool_name_required).
func (s *Shield) ToolResponse(ctx context.Context, name, text string) (string, error) {
	if err := nativeCheckToolName(name); err != nil {
		return "", err
	}
	return passed(text)(s.guard.EvaluateToolResponse(ctx, name, text, s.options...))
}

// ToolCall guards the arguments of a tool call and gives back those to call it with, in the types they came in. Values
// without a finding are those given. Text is read wherever it stands: in strings, bytes that are UTF-8, times, slices, maps,
// structs with all their fields, and pointers to them.
//
// The error is tool_name_required for a tool without a name, and shield_unsupported, which names the argument, for what
// cannot be read (a channel, a function, bytes that are no text) or not be rewritten where a finding stands (a time, a number,
// an unexported field).
func (s *Shield) ToolCall(ctx context.Context, name string, arguments map[string]any) (map[string]any, error) {
	if err := nativeCheckToolName(name); err != nil {
		return nil, err
	}
	judged, passed, err := carry(name, arguments)
	if err != nil {
		return nil, err
	}
	response, err := s.guard.EvaluateToolCall(ctx, name, judged, s.options...)
	if err == nil {
		err = response.Err()
	}
	if err != nil {
		return nil, err
	}
	if response.Decision != DecisionModify || response.RedactedArguments == nil {
		return arguments, nil
	}
	return passed(response.RedactedArguments)
}

func passed(text string) func(*GuardResponse, error) (string, error) {
	return func(response *GuardResponse, err error) (string, error) {
		if err == nil {
			err = response.Err()
		}
		if err != nil {
			return "", err
		}
		return response.PassedOn(text), nil
	}
}
