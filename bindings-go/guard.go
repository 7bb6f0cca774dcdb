//go:build cgo

package tenantry

import (
	"context"
	"encoding/json"
)

// Guard has the guard calls of a project; see Tenant.Guard.
type Guard struct {
	object *nativeTenant
}

// CallOption sets further fields of a request that a shorthand builds.
type CallOption func(*GuardRequest)

// WithSession ties turns of one conversation together.
func WithSession(id string) CallOption {
	return func(request *GuardRequest) { request.SessionID = id }
}

// WithMode sets how strictly policy outcomes are applied; the project's floor may raise it.
func WithMode(mode Mode) CallOption {
	return func(request *GuardRequest) { request.Mode = mode }
}

// WithMetadata gives facts the caller claims.
func WithMetadata(metadata map[string]any) CallOption {
	return func(request *GuardRequest) { request.Metadata = metadata }
}

// WithModel names the model behind the call.
func WithModel(model ModelContext) CallOption {
	return func(request *GuardRequest) {
		own := model
		request.Model = &own
	}
}

// WithExplain fills the explain tier of the response.
func WithExplain() CallOption {
	return func(request *GuardRequest) { request.Explain = Ptr(true) }
}

// WithDebug fills the debug tier of the response.
func WithDebug() CallOption {
	return func(request *GuardRequest) { request.Debug = Ptr(true) }
}

// WithDryrun answers what would happen; reserves, remembers and consumes nothing.
func WithDryrun() CallOption {
	return func(request *GuardRequest) { request.Dryrun = Ptr(true) }
}

// WithTool sets what is known of the tool of a tool call; name and arguments are those of the call.
func WithTool(tool ToolContext) CallOption {
	return func(request *GuardRequest) {
		// An option may serve many calls at once: what it was made of stays as it is.
		own := tool
		if request.Tool != nil {
			own.Name, own.Arguments = request.Tool.Name, request.Tool.Arguments
		}
		request.Tool = &own
	}
}

// Evaluate decides one call. A denial is an answer; only an outage or bad input is an error.
func (g Guard) Evaluate(ctx context.Context, request GuardRequest) (*GuardResponse, error) {
	return g.decide(ctx, guardParts{Request: request})
}

// EvaluateOnce is Evaluate, once: whoever repeats the request under the same key within a day gets the same answer, and
// nothing is decided, charged or remembered a second time. A key has 1 to 256 printable ASCII characters.
func (g Guard) EvaluateOnce(ctx context.Context, request GuardRequest, key string) (*GuardResponse, error) {
	response, err := g.object.evaluateOnce(ctx, request, key)
	if err != nil {
		return nil, err
	}
	return &response, nil
}

// EvaluatePrompt decides on a prompt a user sends.
func (g Guard) EvaluatePrompt(ctx context.Context, content string, options ...CallOption) (*GuardResponse, error) {
	return g.shaped(ctx, "prompt", GuardRequest{Content: content}, options)
}

// EvaluateResponse decides on a text a model gave back.
func (g Guard) EvaluateResponse(ctx context.Context, content string, options ...CallOption) (*GuardResponse, error) {
	return g.shaped(ctx, "response", GuardRequest{Content: content}, options)
}

// EvaluateToolCall decides on a tool call.
func (g Guard) EvaluateToolCall(
	ctx context.Context, name string, arguments map[string]any, options ...CallOption,
) (*GuardResponse, error) {
	tool := &ToolContext{Name: name, Arguments: arguments}
	return g.shaped(ctx, "tool_call", GuardRequest{Tool: tool}, options)
}

// EvaluateToolResponse decides on what a tool gave back.
func (g Guard) EvaluateToolResponse(
	ctx context.Context, name, content string, options ...CallOption,
) (*GuardResponse, error) {
	return g.shaped(ctx, "tool_response", GuardRequest{Content: content, Tool: &ToolContext{Name: name}}, options)
}

// EvaluateFile decides on a file; the operation is read or write.
func (g Guard) EvaluateFile(
	ctx context.Context, content, path, operation string, options ...CallOption,
) (*GuardResponse, error) {
	file := &FileContext{Path: path, Operation: operation}
	return g.shaped(ctx, "file", GuardRequest{Content: content, File: file}, options)
}

// Detect inspects without policies, limits or memory.
func (g Guard) Detect(ctx context.Context, request GuardRequest) (*DetectResponse, error) {
	response, err := g.object.detect(ctx, request)
	if err != nil {
		return nil, err
	}
	return &response, nil
}

func (g Guard) shaped(
	ctx context.Context, shape string, request GuardRequest, options []CallOption,
) (*GuardResponse, error) {
	for _, option := range options {
		option(&request)
	}
	return g.decide(ctx, guardParts{Shape: shape, Request: request})
}

func (g Guard) decide(ctx context.Context, parts guardParts) (*GuardResponse, error) {
	if err := over(ctx); err != nil {
		return nil, err
	}
	// A warm call is ready at once, in one crossing. One that has to wait must not hold a thread meanwhile.
	begun, err := g.object.begin(parts)
	if err != nil || begun.Response != nil {
		return begun.Response, err
	}
	response, err := g.object.goOn(ctx, begun.Parked)
	if err != nil {
		// It may have ended before the call was taken up again.
		_ = g.object.giveUp(begun.Parked)
		return nil, err
	}
	return &response, nil
}

// Allowed tells whether the call may proceed (allow or modify).
func (r *GuardResponse) Allowed() bool {
	return r.Decision == DecisionAllow || r.Decision == DecisionModify
}

// Denied tells whether the call must not proceed.
func (r *GuardResponse) Denied() bool {
	return r.Decision == DecisionDeny
}

// Suspended tells whether the call waits for somebody (step_up or defer).
func (r *GuardResponse) Suspended() bool {
	return r.Decision == DecisionStepUp || r.Decision == DecisionDefer
}

// PassedOn is content as it may be passed on: rewritten where the decision is modify, empty where nothing may be.
func (r *GuardResponse) PassedOn(content string) string {
	if !r.Allowed() {
		return ""
	}
	if r.Decision == DecisionModify && r.RedactedContent != nil {
		return *r.RedactedContent
	}
	return content
}

// Err is nil when the call may proceed, else a *BlockedError.
func (r *GuardResponse) Err() error {
	if r.Allowed() {
		return nil
	}
	blocked := &BlockedError{Response: r, Code: string(r.Decision), Message: "blocked"}
	// What it says is the core's choice. A response that no core wrote blocks all the same.
	if parts, err := nativeBlocked(r.fields()); err == nil && parts != nil {
		blocked.Code, blocked.Message = parts.Code, parts.Message
		if parts.RetryAfterMs != nil {
			blocked.RetryAfter = milliseconds(*parts.RetryAfterMs)
		}
	}
	return blocked
}

func (r *GuardResponse) fields() map[string]any {
	text, err := json.Marshal(r)
	if err != nil {
		return nil
	}
	fields, _ := readJSON(string(text))
	return fields
}
