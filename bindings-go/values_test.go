package tenantry

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

var ctx = context.Background()

func TestAResponseIsWrittenAsTheWireHasIt(t *testing.T) {
	_, acme := open(t)
	response, err := acme.Guard().EvaluatePrompt(ctx, "Call me at 415-555-0132", WithDebug(), WithExplain(),
		WithMode(ModeModify), WithSession("s"), WithMetadata(map[string]any{"ratio": 1.0, "big": uint64(math.MaxUint64)}))
	ok(t, err)
	text, err := json.Marshal(response)
	ok(t, err)
	fields, err := readJSON(string(text))
	ok(t, err)
	for _, always := range []string{"decision", "request_id", "timestamp", "latency_ms", "signals"} {
		if _, there := fields[always]; !there {
			t.Errorf("%s is missing in %s", always, text)
		}
	}
	if strings.Contains(string(text), "null") {
		t.Errorf("null in %s", text)
	}
	// What core makes of its own JSON, read back here, is the same value.
	var again GuardResponse
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	ok(t, decoder.Decode(&again))
	if !reflect.DeepEqual(&again, response) {
		t.Errorf("got %+v\nwant %+v", again, *response)
	}
}

func TestAListThatIsAlwaysWrittenIsNeverNull(t *testing.T) {
	_, acme := open(t)
	response, err := acme.Guard().EvaluatePrompt(ctx, "hello")
	ok(t, err)
	text, err := json.Marshal(response)
	ok(t, err)
	if !strings.Contains(string(text), `"signals":[]`) || strings.Contains(string(text), "degraded") {
		t.Errorf("%s", text)
	}
	detected, err := acme.Guard().Detect(ctx, GuardRequest{Content: "hello"})
	ok(t, err)
	if detected.Detectors == nil || detected.TiersEvaluated == nil {
		t.Errorf("%+v", detected)
	}
}

func TestRedactedContentIsPassedOn(t *testing.T) {
	_, acme := open(t)
	text := "My card is 4111 1111 1111 1111, thanks"
	response, err := acme.Guard().EvaluatePrompt(ctx, text, WithMode(ModeModify))
	ok(t, err)
	if response.Decision == DecisionModify {
		if response.PassedOn(text) == text || strings.Contains(response.PassedOn(text), "4111") {
			t.Errorf("passed on: %s", response.PassedOn(text))
		}
		same(t, response.PassedOn(text), *response.RedactedContent)
	}
	same(t, (&GuardResponse{Decision: DecisionAllow, RedactedContent: Ptr("x")}).PassedOn("y"), "y")
	same(t, (&GuardResponse{Decision: DecisionModify, RedactedContent: Ptr("")}).PassedOn("y"), "")
	same(t, (&GuardResponse{Decision: DecisionModify}).PassedOn("y"), "y")
}

func TestADenialIsAnAnswerAndErrMakesItAnError(t *testing.T) {
	_, acme := open(t)
	_, err := acme.Policies().Put(ctx, PolicySpec{Name: "stop", Text: `@id("stop") @reject_message("no tools here")
		forbid(principal, action == Action::"call_tool", resource);`})
	ok(t, err)
	response, err := acme.Guard().EvaluateToolCall(ctx, "shell", map[string]any{"command": "ls"})
	ok(t, err)
	same(t, response.Denied(), true)
	same(t, response.Allowed(), false)
	same(t, response.Suspended(), false)
	blocked, is := response.Err().(*BlockedError)
	same(t, is, true)
	same(t, blocked.Response, response)
	same(t, blocked.Code, "deny")
	if !strings.HasPrefix(blocked.Message, "blocked: ") || !strings.Contains(blocked.Error(), "(deny)") {
		t.Errorf("%v", blocked)
	}
	// A response no core wrote blocks all the same.
	same(t, (&GuardResponse{}).Err().(*BlockedError).Message, "blocked")
}

func TestEveryOptionalFieldCrosses(t *testing.T) {
	_, acme := open(t)
	request := GuardRequest{
		Content: "hello", ContentType: ContentFile, Action: "write_file", Mode: ModeEnforce, SessionID: "s",
		Contexts: []string{"more"}, Detectors: []string{}, Debug: Ptr(true), Explain: Ptr(true), Dryrun: Ptr(false),
		EarlyExit: Ptr(false), Optimize: Ptr(false), Metadata: map[string]any{"a": []any{nil, 1, "x"}},
		Tool:  &ToolContext{Name: "t", IsBuiltin: true, Arguments: map[string]any{}, Description: Ptr("d"), ServerID: Ptr("s")},
		Model: &ModelContext{Provider: Ptr("p"), Temperature: Ptr(0.5), MaxTokens: Ptr(int64(1)), CacheWrite1hTokens: Ptr(int64(2))},
		File:  &FileContext{Path: "/a", Operation: "write", Size: Ptr(int64(3)), IsEncrypted: Ptr(true)},
		MCP:   &McpContext{ServerName: "m", Verified: Ptr(false), Capabilities: []string{"c"}},
	}
	response, err := acme.Guard().Evaluate(ctx, request)
	ok(t, err)
	same(t, response.DebugInfo.Action, "write_file")
	var w writer
	request.write(&w)
	ok(t, w.err)
	r := &reader{data: string(w.bytes)}
	var again GuardRequest
	again.read(r)
	ok(t, r.end())
	before, err := json.Marshal(request)
	ok(t, err)
	after, err := json.Marshal(again)
	ok(t, err)
	same(t, string(after), string(before))
}

func TestNumbersOfFreeJSONStayAsTheyWere(t *testing.T) {
	fields, err := readJSON(`{"a":1.0,"b":18446744073709551615,"c":1e300}`)
	ok(t, err)
	text, err := json.Marshal(fields)
	ok(t, err)
	same(t, string(text), `{"a":1.0,"b":18446744073709551615,"c":1e300}`)
}

func TestPoliciesLimitsSettingsAndAudit(t *testing.T) {
	_, acme := open(t)
	receipt, err := acme.Policies().AttachPack(ctx, "strict")
	ok(t, err)
	same(t, receipt.PolicyCount > 0, true)
	policies, err := acme.Policies().List(ctx)
	ok(t, err)
	same(t, policies.Len() > 0, true)
	ok(t, acme.Policies().Remove(ctx, "strict", ""))

	limit := LimitSpec{ID: "calls", Rate: 2, PerMs: 60_000, Key: LimitByCustom}
	ok(t, acme.Limits().Set(ctx, limit))
	limits, err := acme.Limits().List(ctx)
	ok(t, err)
	limit.OnExceed, limit.Layer = OnExceedReject, LayerProject
	same(t, limits.Items[0], limit)
	ok(t, acme.Limits().Acquire(ctx, "calls", "k", 2))
	ok(t, acme.Limits().Remove(ctx, "calls", LayerProject))

	settings, err := acme.Settings().Update(ctx, SettingsPatch{ModeFloor: ModeMonitor, SessionTTLSeconds: Ptr(int64(60))})
	ok(t, err)
	again, err := acme.Settings().Get(ctx)
	ok(t, err)
	wanted := Settings{ModeFloor: ModeMonitor, AuditClass: AuditStandard, RedactionOriginals: true, SessionTTLSeconds: 60}
	same(t, reflect.DeepEqual(settings, again) && reflect.DeepEqual(settings, wanted), true)

	_, err = acme.Guard().EvaluatePrompt(ctx, "hello")
	ok(t, err)
	head, err := acme.Audit().Head(ctx)
	ok(t, err)
	parsed, err := ParseAuditHead(head.String())
	ok(t, err)
	same(t, parsed, head)
	report, err := acme.Audit().VerifyAgainst(ctx, head.String())
	ok(t, err)
	same(t, report.OK, true)
	_, err = acme.Audit().Verify(ctx)
	ok(t, err)
	rows, err := acme.Audit().Query(ctx, AuditQuery{Since: Ptr("1h"), Limit: Ptr(int64(2))})
	ok(t, err)
	same(t, rows.Len(), 2)
	later, err := acme.Audit().Query(ctx, AuditQuery{After: Ptr(rows.Items[1].Sequence)})
	ok(t, err)
	same(t, later.Items[0].Sequence, rows.Items[1].Sequence+1)
	same(t, later.Items[later.Len()-1].Decision, DecisionAllow)

	newest, err := acme.Audit().Query(ctx, AuditQuery{Order: AuditNewest, Limit: Ptr(int64(1))})
	ok(t, err)
	same(t, newest.Items[0].Decision, DecisionAllow)
	before, err := acme.Audit().Query(ctx, AuditQuery{Order: AuditNewest, Before: Ptr(newest.Items[0].Sequence), Limit: Ptr(int64(1))})
	ok(t, err)
	same(t, before.Items[0].Sequence, newest.Items[0].Sequence-1)
	_, err = acme.Audit().Query(ctx, AuditQuery{Order: "latest"})
	fails(t, err, ErrInvalidArgument, "request_invalid")
	_, err = acme.Audit().Query(ctx, AuditQuery{Before: Ptr(int64(-1))})
	fails(t, err, ErrInvalidArgument, "request_invalid")

	ok(t, acme.Limits().Set(ctx, LimitSpec{ID: "prompts", Rate: 1, PerMs: 60_000, Action: "process_prompt"}))
	limits, err = acme.Limits().List(ctx)
	ok(t, err)
	same(t, limits.Items[limits.Len()-1].Action, "process_prompt")
	fails(t, acme.Limits().Set(ctx, LimitSpec{ID: "odd", Rate: 1, PerMs: 1, Action: "prompts"}), ErrInvalidArgument, "limit_invalid")
}

func TestEnsureCreatesOnceAndGivesTheSameAgain(t *testing.T) {
	client, _ := open(t)
	accounts, projects := client.Admin().Accounts(), client.Admin().Projects()
	facts := TenantFacts{Tier: "free", Labels: []string{"new"}}
	uids := make(chan string, 16)
	for range cap(uids) {
		go func() {
			account, err := accounts.Ensure(ctx, "initech", facts)
			if err == nil {
				_, err = projects.Ensure(ctx, "initech", "prod", TenantFacts{})
			}
			if err != nil {
				uids <- err.Error()
			} else {
				uids <- account.UID
			}
		}()
	}
	created, err := accounts.Ensure(ctx, "initech", facts)
	ok(t, err)
	for range cap(uids) {
		same(t, <-uids, created.UID)
	}
	again, err := accounts.Ensure(ctx, "initech", TenantFacts{})
	ok(t, err)
	same(t, again.UID, created.UID)
	_, err = accounts.Ensure(ctx, "initech", TenantFacts{Tier: "gold"})
	fails(t, err, ErrConflict, "facts_differ")
	_, err = projects.Ensure(ctx, "initech", "prod", TenantFacts{Region: "eu"})
	fails(t, err, ErrConflict, "facts_differ")
	_, err = projects.Ensure(ctx, "nobody", "prod", TenantFacts{})
	fails(t, err, ErrNotFound, "scope_not_found")
	_, err = accounts.Create(ctx, "initech", TenantFacts{})
	fails(t, err, ErrConflict, "scope_exists")
}

func TestAccountsAndProjects(t *testing.T) {
	client, _ := open(t)
	accounts, projects := client.Admin().Accounts(), client.Admin().Projects()
	created, err := accounts.Create(ctx, "initech", TenantFacts{Tier: "free", Labels: []string{"new"}})
	ok(t, err)
	same(t, created.Tier, "free")
	text, err := json.Marshal(created)
	ok(t, err)
	if strings.Contains(string(text), "plan") || !strings.Contains(string(text), `"labels":["new"]`) {
		t.Errorf("%s", text)
	}
	got, err := accounts.Get(ctx, "initech")
	ok(t, err)
	same(t, got.UID, created.UID)
	all, err := accounts.List(ctx)
	ok(t, err)
	same(t, all.Len(), 3)
	_, err = projects.Create(ctx, "initech", "prod", TenantFacts{})
	ok(t, err)
	suspended, err := projects.Suspend(ctx, "initech", "prod")
	ok(t, err)
	same(t, suspended.Status, StatusSuspended)
	tenant, err := client.Tenant(ctx, "initech", "prod")
	ok(t, err)
	response, err := tenant.Guard().EvaluatePrompt(ctx, "hello")
	ok(t, err)
	same(t, response.Code, "suspended")
	resumed, err := projects.Resume(ctx, "initech", "prod")
	ok(t, err)
	same(t, resumed.Status, StatusActive)
	listed, err := projects.List(ctx, "initech")
	ok(t, err)
	same(t, listed.Items[0].AccountID, "initech")
	ok(t, projects.Delete(ctx, "initech", "prod"))
	_, err = accounts.Suspend(ctx, "initech")
	ok(t, err)
	_, err = accounts.Resume(ctx, "initech")
	ok(t, err)
	ok(t, accounts.Delete(ctx, "initech"))
}

func TestTheShield(t *testing.T) {
	_, acme := open(t)
	shield := NewShield(acme, ShieldOptions{SessionID: "s", Mode: ModeModify})
	text, err := shield.Prompt(ctx, "hello")
	ok(t, err)
	same(t, text, "hello")
	text, err = shield.Response(ctx, "hello")
	ok(t, err)
	same(t, text, "hello")
	text, err = shield.ToolResponse(ctx, "shell", "hello")
	ok(t, err)
	same(t, text, "hello")
	for _, name := range []string{"", " ", "\t\n", "\u00a0"} {
		_, err = shield.ToolCall(ctx, name, map[string]any{"a": 1})
		fails(t, err, ErrInvalidArgument, "tool_name_required")
		_, err = shield.ToolResponse(ctx, name, "hello")
		fails(t, err, ErrInvalidArgument, "tool_name_required")
	}
	type typed struct{ N int }
	arguments := map[string]any{"n": typed{1}, "text": "my card is 4111 1111 1111 1111"}
	passed, err := shield.ToolCall(ctx, "shell", arguments)
	ok(t, err)
	same(t, passed["n"], any(typed{1}))

	_, err = acme.Policies().Put(ctx, PolicySpec{Name: "stop", Text: `forbid(principal, action, resource);`})
	ok(t, err)
	for _, call := range []func() error{
		func() error { _, err := shield.Prompt(ctx, "x"); return err },
		func() error { _, err := shield.Response(ctx, "x"); return err },
		func() error { _, err := shield.ToolResponse(ctx, "t", "x"); return err },
		func() error { _, err := shield.ToolCall(ctx, "t", nil); return err },
	} {
		blocked, is := call().(*BlockedError)
		same(t, is, true)
		same(t, blocked.Response.Denied(), true)
	}
}

func TestAPrincipalIsWhoPoliciesSee(t *testing.T) {
	_, acme := open(t)
	ada, err := acme.ActingAs(Principal{ID: "ada", Roles: []string{"admin"}})
	ok(t, err)
	response, err := ada.Guard().EvaluatePrompt(ctx, "hello", WithDebug())
	ok(t, err)
	same(t, response.DebugInfo.PrincipalID, "ada")
	same(t, response.DebugInfo.PrincipalType, "User")
	bot, err := acme.ActingAs(Principal{Type: PrincipalAgent, ID: "bot"})
	ok(t, err)
	response, err = bot.Guard().EvaluateFile(ctx, "text", "/a.txt", "read", WithDebug())
	ok(t, err)
	same(t, response.DebugInfo.PrincipalType, "Agent")
	same(t, bot.String(), `Tenant("acme", "prod")`)
}
