package tenantry

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// fails checks family and code of an error, both ways of matching.
func fails(t *testing.T, err error, family error, code string) {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want %v with code %s", err, family, code)
	}
	if !errors.Is(err, family) || failure.Code != code {
		t.Fatalf("got %s %v, want %v with code %s", failure.Kind, err, family, code)
	}
	if failure.Message == "" || !strings.Contains(err.Error(), code) {
		t.Fatalf("the error says too little: %q", err.Error())
	}
}

func TestFamiliesThatCallersReach(t *testing.T) {
	client, acme := open(t)
	_, err := client.Tenant(ctx, "nobody", "prod")
	fails(t, err, ErrNotFound, "scope_not_found")
	_, err = client.Tenant(ctx, "no spaces", "prod")
	fails(t, err, ErrInvalidArgument, "scope_id_invalid")
	_, err = client.Admin().Accounts().Create(ctx, "acme", TenantFacts{})
	same(t, errors.Is(err, ErrConflict), true)
	_, err = client.Own(ctx)
	fails(t, err, ErrInvalidArgument, "tenant_missing")
	_, err = Open(Options{BaseURL: "https://example.test"})
	fails(t, err, ErrUnavailable, "remote_unsupported")
	_, err = Open(Options{InMemory: true, APIKey: "key"})
	fails(t, err, ErrUnauthenticated, "credential_unknown")
	_, err = Open(Options{InMemory: true, DataDir: "x"})
	fails(t, err, ErrInvalidArgument, "config_invalid")

	dev, err := Open(Options{InMemory: true, Dev: Ptr(true), APIKey: "key", Deadline: 10 * time.Second})
	ok(t, err)
	defer dev.Close()
	_, err = dev.Admin().Accounts().List(ctx)
	same(t, errors.Is(err, ErrPermissionDenied), true)

	ok(t, acme.Limits().Set(ctx, LimitSpec{ID: "few", Rate: 1, PerMs: 60_000, Key: LimitByCustom}))
	ok(t, acme.Limits().Acquire(ctx, "few", "k", 1))
	err = acme.Limits().Acquire(ctx, "few", "k", 1)
	same(t, errors.Is(err, ErrRateLimited), true)
	var limited *Error
	same(t, errors.As(err, &limited) && limited.RetryAfter > 0, true)
}

func TestInputIsCheckedByTheCore(t *testing.T) {
	_, acme := open(t)
	guard := acme.Guard()
	_, err := guard.EvaluatePrompt(ctx, "x", WithMode("off"))
	fails(t, err, ErrInvalidArgument, "mode_invalid")
	_, err = guard.Evaluate(ctx, GuardRequest{Content: "x", ContentType: "poem", Action: "process_prompt"})
	fails(t, err, ErrInvalidArgument, "content_type_invalid")
	_, err = guard.EvaluatePrompt(ctx, "x", WithModel(ModelContext{Temperature: Ptr(math.NaN())}))
	fails(t, err, ErrInvalidArgument, "request_invalid")
	_, err = acme.Policies().Put(ctx, PolicySpec{Name: "x", Text: "permit", Layer: "moon"})
	fails(t, err, ErrInvalidArgument, "layer_invalid")
	err = acme.Limits().Set(ctx, LimitSpec{ID: "x", Rate: -1, PerMs: 1})
	fails(t, err, ErrInvalidArgument, "request_invalid")
	err = acme.Limits().Set(ctx, LimitSpec{ID: "x", Rate: 1, PerMs: 1, Key: "moon"})
	fails(t, err, ErrInvalidArgument, "request_invalid")
	_, err = acme.ActingAs(Principal{})
	fails(t, err, ErrInvalidArgument, "opaque_id_invalid")
	_, err = acme.Audit().VerifyAgainst(ctx, "")
	fails(t, err, ErrInvalidArgument, "anchor_invalid")
	_, err = acme.Audit().VerifyAgainst(ctx, "nonsense")
	fails(t, err, ErrInvalidArgument, "anchor_invalid")
	_, err = acme.Audit().Query(ctx, AuditQuery{Since: Ptr("yesterday")})
	fails(t, err, ErrInvalidArgument, "since_invalid")
	_, err = acme.Audit().Query(ctx, AuditQuery{Since: Ptr("1h"), After: Ptr(int64(1))})
	fails(t, err, ErrInvalidArgument, "since_invalid")
	_, err = ParseAuditHead("nonsense")
	fails(t, err, ErrInvalidArgument, "anchor_invalid")
}

func TestHostileText(t *testing.T) {
	client, acme := open(t)
	guard := acme.Guard()
	bad := "a\xffb"
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	for name, call := range map[string]func() error{
		"prompt":      func() error { _, err := guard.EvaluatePrompt(ctx, bad); return err },
		"cancellable": func() error { _, err := guard.EvaluatePrompt(cancellable, bad); return err },
		"argument":    func() error { _, err := client.Tenant(ctx, bad, "prod"); return err },
		"option":      func() error { _, err := Open(Options{InMemory: true, AccountID: bad}); return err },
		"header": func() error {
			_, err := Open(Options{InMemory: true, DefaultHeaders: map[string]string{"x": bad}})
			return err
		},
		"named":  func() error { return acme.Limits().Remove(ctx, "x", Layer(bad)) },
		"list":   func() error { _, err := guard.Evaluate(ctx, GuardRequest{Contexts: []string{bad}}); return err },
		"nested": func() error { _, err := guard.EvaluateToolCall(ctx, bad, nil); return err },
		"json": func() error {
			_, err := guard.EvaluateToolCall(ctx, "t", map[string]any{"a": []string{bad}})
			return err
		},
		"json key":     func() error { _, err := guard.EvaluateToolCall(ctx, "t", map[string]any{bad: 1}); return err },
		"policy":       func() error { _, err := acme.Policies().Put(ctx, PolicySpec{Name: "x", Text: bad}); return err },
		"parsed":       func() error { _, err := ParseAuditHead(bad); return err },
		"after escape": func() error { _, err := guard.EvaluateToolCall(ctx, "t", map[string]any{"a": "\\\xff"}); return err },
	} {
		t.Run(name, func(t *testing.T) { fails(t, call(), ErrInvalidArgument, "text_not_utf8") })
	}
	same(t, AuditHead{Scope: bad}.String(), "")

	for name, text := range map[string]string{
		"empty": "", "nul": "a\x00b", "large": strings.Repeat("all work and no play ", 50_000), "bom": "\ufeffx",
		"replacement": "\ufffd", "escape": `\ufffd and \\ufffd`, "astral": "👩‍👩‍👧‍👦", "quotes": `"'<>&` + "\u2028",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := guard.EvaluatePrompt(ctx, text)
			ok(t, err)
			_, err = guard.EvaluateToolCall(cancellable, "t", map[string]any{"text": text, "k" + text[:min(9, len(text))]: 1})
			if name != "astral" {
				ok(t, err)
			}
		})
	}
}

func TestMetadataThatIsNotJSON(t *testing.T) {
	_, acme := open(t)
	type ring struct{ Next *ring }
	cycle := &ring{}
	cycle.Next = cycle
	for name, value := range map[string]any{"nan": math.NaN(), "infinity": math.Inf(1), "channel": make(chan int), "bytes": []byte("4111"),
		"twice": json.RawMessage(`{"x":"4111 1111 1111 1111","x":"clean"}`)} {
		t.Run(name, func(t *testing.T) {
			_, err := acme.Guard().EvaluatePrompt(ctx, "x", WithMetadata(map[string]any{"a": value}))
			fails(t, err, ErrInvalidArgument, "request_invalid")
		})
	}
	_, err := acme.Guard().EvaluatePrompt(ctx, "x", WithMetadata(map[string]any{"a": cycle}))
	fails(t, err, ErrInvalidArgument, "request_too_deep")
	nested := func(levels int) map[string]any {
		var value any = 1
		for range levels {
			value = []any{value}
		}
		return map[string]any{"a": value}
	}
	for _, levels := range []int{64, 200, 900, 5_000_000} {
		_, err := acme.Guard().EvaluatePrompt(ctx, "x", WithMetadata(nested(levels)))
		fails(t, err, ErrInvalidArgument, "request_too_deep")
	}
	for _, levels := range []int{1, 63} {
		_, err := acme.Guard().EvaluatePrompt(ctx, "x", WithMetadata(nested(levels)))
		ok(t, err)
	}
}

func TestAnErrorIsNeverATypedNil(t *testing.T) {
	_, acme := open(t)
	var err error = acme.Policies().Remove(ctx, "nothing", "")
	same(t, errors.Is(err, ErrNotFound), true)
	ok(t, acme.Limits().Set(ctx, LimitSpec{ID: "x", Rate: 1, PerMs: 1}))
	response, err := acme.Guard().EvaluatePrompt(ctx, "x")
	ok(t, err)
	if err := response.Err(); err != nil {
		t.Fatalf("%T", err)
	}
}

func TestFamiliesDoNotMatchEachOther(t *testing.T) {
	families := []error{
		ErrInvalidArgument, ErrUnauthenticated, ErrPermissionDenied, ErrNotFound, ErrConflict, ErrRateLimited,
		ErrQuotaExceeded, ErrTimeout, ErrCancelled, ErrUnavailable, ErrData, ErrInternal,
	}
	for i, a := range families {
		for j, b := range families {
			same(t, errors.Is(&Error{Kind: Kind(a.Error())}, b), i == j)
		}
	}
}
