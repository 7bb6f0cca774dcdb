//go:build tenantry_test_hooks

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tenantry/tenantry-go"
)

// arguments are the fields of an object of a case; absent and null read the same.
type arguments map[string]any

func (a arguments) text(name string) string {
	if text := a.maybe(name); text != nil {
		return *text
	}
	return ""
}

func (a arguments) maybe(name string) *string {
	if text, is := a[name].(string); is {
		return &text
	}
	return nil
}

func (a arguments) flag(name string) *bool {
	if flag, is := a[name].(bool); is {
		return &flag
	}
	return nil
}

func (a arguments) is(name string) bool {
	flag, is := a[name].(bool)
	return is && flag
}

func (a arguments) number(name string) *int64 {
	if number, is := a[name].(json.Number); is {
		whole, err := number.Int64()
		check(err)
		return &whole
	}
	return nil
}

func (a arguments) whole(name string, absent int64) int64 {
	if number := a.number(name); number != nil {
		return *number
	}
	return absent
}

func (a arguments) real(name string) *float64 {
	if number, is := a[name].(json.Number); is {
		real, err := number.Float64()
		check(err)
		return &real
	}
	return nil
}

func (a arguments) object(name string) map[string]any {
	object, _ := a[name].(map[string]any)
	return object
}

func (a arguments) texts(name string) []string {
	items, _ := a[name].([]any)
	var texts []string
	for _, item := range items {
		texts = append(texts, item.(string))
	}
	return texts
}

func (a arguments) facts() tenantry.TenantFacts {
	return tenantry.TenantFacts{
		Tier: a.text("tier"), Plan: a.text("plan"), Region: a.text("region"), Labels: a.texts("labels"),
	}
}

func (a arguments) tool() *tenantry.ToolContext {
	if a == nil {
		return nil
	}
	return &tenantry.ToolContext{
		Name: a.text("name"), IsBuiltin: a.is("is_builtin"), Arguments: a.object("arguments"),
		Description: a.maybe("description"), ServerID: a.maybe("server_id"),
	}
}

func (a arguments) model() *tenantry.ModelContext {
	if a == nil {
		return nil
	}
	return &tenantry.ModelContext{
		Provider: a.maybe("provider"), Model: a.maybe("model"), Temperature: a.real("temperature"),
		MaxTokens: a.number("max_tokens"), TokensUsed: a.number("tokens_used"), InputTokens: a.number("input_tokens"),
		OutputTokens: a.number("output_tokens"), CacheReadTokens: a.number("cache_read_tokens"),
		CacheWriteTokens: a.number("cache_write_tokens"), CacheWrite1hTokens: a.number("cache_write_1h_tokens"),
	}
}

func (a arguments) file() *tenantry.FileContext {
	if a == nil {
		return nil
	}
	return &tenantry.FileContext{
		Path: a.text("path"), Operation: a.text("operation"), FileName: a.maybe("file_name"),
		FileExtension: a.maybe("file_extension"), MimeType: a.maybe("mime_type"), MipLabelID: a.maybe("mip_label_id"),
		MipLabelName: a.maybe("mip_label_name"), SensitivityLevel: a.maybe("sensitivity_level"),
		Size: a.number("size"), IsEncrypted: a.flag("is_encrypted"), IsRightsManaged: a.flag("is_rights_managed"),
	}
}

func (a arguments) mcp() *tenantry.McpContext {
	if a == nil {
		return nil
	}
	return &tenantry.McpContext{
		ServerName: a.text("server_name"), ServerURL: a.maybe("server_url"), Transport: a.maybe("transport"),
		Verified: a.flag("verified"), Capabilities: a.texts("capabilities"),
	}
}

func (a arguments) request() tenantry.GuardRequest {
	return tenantry.GuardRequest{
		Content: a.text("content"), ContentType: tenantry.ContentType(a.text("content_type")), Action: a.text("action"),
		Mode: tenantry.Mode(a.text("mode")), SessionID: a.text("session_id"), Contexts: a.texts("contexts"),
		Detectors: a.texts("detectors"), Debug: a.flag("debug"), Explain: a.flag("explain"), Dryrun: a.flag("dryrun"),
		EarlyExit: a.flag("early_exit"), Optimize: a.flag("optimize"), Metadata: a.object("metadata"),
		Tool: arguments(a.object("tool")).tool(), Model: arguments(a.object("model")).model(),
		File: arguments(a.object("file")).file(), MCP: arguments(a.object("mcp")).mcp(),
	}
}

// option sets what a shorthand takes besides its own arguments.
func (a arguments) option() tenantry.CallOption {
	return func(request *tenantry.GuardRequest) {
		given := a.request()
		request.Mode, request.SessionID, request.Metadata = given.Mode, given.SessionID, given.Metadata
		request.Explain, request.Debug, request.Dryrun, request.Model = given.Explain, given.Debug, given.Dryrun, given.Model
	}
}

// do runs one step. What is not an error of the engine is one of the case.
func do(client *tenantry.Client, name string, where *[2]string, as, with arguments, head *string) (any, error) {
	accounts, projects := client.Admin().Accounts(), client.Admin().Projects()
	account, id := with.text("account"), with.text("id")
	layer := tenantry.Layer(with.text("layer"))
	switch name {
	case "accounts.create":
		return accounts.Create(ctx, id, with.facts())
	case "accounts.get":
		return accounts.Get(ctx, id)
	case "accounts.list":
		return accounts.List(ctx)
	case "accounts.suspend":
		return accounts.Suspend(ctx, id)
	case "accounts.resume":
		return accounts.Resume(ctx, id)
	case "accounts.delete":
		return nil, accounts.Delete(ctx, id)
	case "projects.create":
		return projects.Create(ctx, account, id, with.facts())
	case "projects.get":
		return projects.Get(ctx, account, id)
	case "projects.list":
		return projects.List(ctx, account)
	case "projects.suspend":
		return projects.Suspend(ctx, account, id)
	case "projects.resume":
		return projects.Resume(ctx, account, id)
	case "projects.delete":
		return nil, projects.Delete(ctx, account, id)
	case "tenant":
		tenant, err := client.Tenant(ctx, account, with.text("project"))
		if err != nil {
			return nil, err
		}
		return map[string]string{"account_id": tenant.AccountID(), "project_id": tenant.ProjectID()}, nil
	case "advance":
		tenantry.TestAdvance(time.Duration(with.whole("ms", 0)) * time.Millisecond)
		return nil, nil
	case "panic_next":
		tenantry.TestPanicNext()
		return nil, nil
	case "close":
		return nil, client.Close()
	}
	tenant, err := client.Tenant(ctx, where[0], where[1])
	if err == nil && as != nil {
		tenant, err = tenant.ActingAs(tenantry.Principal{
			Type: tenantry.PrincipalType(as.text("type")), ID: as.text("id"), Roles: as.texts("roles"), Scopes: as.texts("scopes"),
		})
	}
	if err != nil {
		return nil, err
	}
	guard, policies, limits, audit := tenant.Guard(), tenant.Policies(), tenant.Limits(), tenant.Audit()
	switch name {
	case "guard.evaluate":
		request := arguments(with.object("request")).request()
		content := request.Content
		if request.Action == "call_tool" {
			content = ""
		}
		return decision(content)(guard.Evaluate(ctx, request))
	case "guard.evaluate_prompt":
		return decision(with.text("content"))(guard.EvaluatePrompt(ctx, with.text("content"), with.option()))
	case "guard.evaluate_response":
		return decision(with.text("content"))(guard.EvaluateResponse(ctx, with.text("content"), with.option()))
	case "guard.evaluate_tool_call":
		tool := tenantry.WithTool(*with.tool())
		return decision("")(guard.EvaluateToolCall(ctx, with.text("name"), with.object("arguments"), with.option(), tool))
	case "guard.evaluate_file":
		operation := "read"
		if given := with.maybe("operation"); given != nil {
			operation = *given
		}
		content := with.text("content")
		return decision(content)(guard.EvaluateFile(ctx, content, with.text("path"), operation, with.option()))
	case "guard.detect":
		return guard.Detect(ctx, with.request())
	case "policies.put":
		text := with.text("text")
		if lines := with.texts("text"); lines != nil {
			text = strings.Join(lines, "\n")
		}
		return policies.Put(ctx, tenantry.PolicySpec{
			Name: with.text("name"), Text: text, Mode: tenantry.Mode(with.text("mode")), Layer: layer, Ceiling: with.is("ceiling"),
		})
	case "policies.attach_pack":
		return policies.AttachPack(ctx, with.text("name"))
	case "policies.remove":
		return nil, policies.Remove(ctx, with.text("name"), layer)
	case "policies.list":
		return policies.List(ctx)
	case "limits.set":
		return nil, limits.Set(ctx, tenantry.LimitSpec{
			ID: id, Rate: with.whole("rate", 0), PerMs: with.whole("per_ms", 0), Key: tenantry.LimitKey(with.text("key")),
			OnExceed: tenantry.OnExceed(with.text("on_exceed")), MaxWaitMs: with.whole("max_wait_ms", 0), Layer: layer,
			Shared: with.is("shared"),
		})
	case "limits.remove":
		return nil, limits.Remove(ctx, id, layer)
	case "limits.list":
		return limits.List(ctx)
	case "limits.acquire":
		return nil, limits.Acquire(ctx, id, with.text("key"), with.whole("cost", 1))
	case "settings.get":
		return tenant.Settings().Get(ctx)
	case "settings.update":
		return tenant.Settings().Update(ctx, tenantry.SettingsPatch{
			ModeFloor: tenantry.Mode(with.text("mode_floor")), AuditClass: tenantry.AuditClass(with.text("audit_class")),
			RedactionOriginals: with.flag("redaction_originals"), SessionTTLSeconds: with.number("session_ttl_seconds"),
		})
	case "audit.query":
		return audit.Query(ctx, tenantry.AuditQuery{
			Since: with.maybe("since"), After: with.number("since"), Limit: with.number("limit"),
		})
	case "audit.head":
		answer, err := audit.Head(ctx)
		if err == nil {
			*head = answer.String()
		}
		return answer, err
	case "audit.verify":
		switch anchor := with.maybe("anchor"); {
		case anchor == nil:
			return audit.Verify(ctx)
		case *anchor == "last_head":
			return audit.VerifyAgainst(ctx, *head)
		default:
			return audit.VerifyAgainst(ctx, *anchor)
		}
	}
	return nil, fmt.Errorf("unknown operation `%s`", name)
}

// decision is a response with what the public type makes of it.
func decision(content string) func(*tenantry.GuardResponse, error) (any, error) {
	return func(response *tenantry.GuardResponse, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		answer := map[string]any{
			"response": response, "allowed": response.Allowed(), "denied": response.Denied(),
			"suspended": response.Suspended(), "passed_on": response.PassedOn(content), "blocked": nil,
		}
		var blocked *tenantry.BlockedError
		if errors.As(response.Err(), &blocked) {
			told := map[string]any{"code": blocked.Code, "message": blocked.Message}
			if blocked.RetryAfter != 0 {
				told["retry_after_ms"] = blocked.RetryAfter.Milliseconds()
			}
			answer["blocked"] = told
		}
		return answer, nil
	}
}
