//go:build cgo

package tenantry

import (
	"context"
	"encoding/json"
	"reflect"
)

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

// ToolCall guards the arguments of a tool call. Values without a finding are those given, in their own types. A tool has a
// name (tool_name_required).
func (s *Shield) ToolCall(ctx context.Context, name string, arguments map[string]any) (map[string]any, error) {
	if err := nativeCheckToolName(name); err != nil {
		return nil, err
	}
	response, err := s.guard.EvaluateToolCall(ctx, name, arguments, s.options...)
	if err == nil {
		err = response.Err()
	}
	if err != nil {
		return nil, err
	}
	if response.Decision != DecisionModify || response.RedactedArguments == nil {
		return arguments, nil
	}
	return merged(arguments, response.RedactedArguments), nil
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

// merged is redacted with every value that is the same as before taken from original, which may be of a type that JSON
// has not.
func merged(original, redacted map[string]any) map[string]any {
	before := map[string]any{}
	var w writer
	if text := w.encoded(original); w.err == nil {
		before, _ = readJSON(text)
	}
	out := make(map[string]any, len(redacted))
	for key, value := range redacted {
		out[key] = value
		if given, ok := original[key]; ok {
			out[key] = kept(given, before[key], value)
		}
	}
	return out
}

// kept is given where redaction left it alone, else what redaction made of it. Numbers are never redacted.
func kept(given, before, after any) any {
	_, writesItself := given.(json.Marshaler)
	if _, number := after.(json.Number); number || (reflect.DeepEqual(before, after) && !writesItself) {
		return given
	}
	switch given := given.(type) {
	case map[string]any:
		if inner, is := after.(map[string]any); is {
			return merged(given, inner)
		}
	case []any:
		earlier, _ := before.([]any)
		if later, is := after.([]any); is && len(later) == len(given) && len(earlier) == len(given) {
			out := make([]any, len(given))
			for at := range given {
				out[at] = kept(given[at], earlier[at], later[at])
			}
			return out
		}
	}
	return after
}
