package tenantry

import (
	"reflect"
	"testing"
)

func TestAModelCallIsWrittenDownOnce(t *testing.T) {
	client, acme := open(t)
	report := UsageReport{
		UsageID: "call-1", SessionID: "s",
		Model: ModelContext{Model: Ptr("gpt-4o"), InputTokens: Ptr(int64(1_000)), OutputTokens: Ptr(int64(100))},
	}
	first, err := acme.Usage().Report(ctx, report)
	ok(t, err)
	same(t, first, UsageReceipt{CostMicros: 3_500, Priced: true, Recorded: true})
	again, err := acme.Usage().Report(ctx, report)
	ok(t, err)
	same(t, again.Recorded, false)
	globex, err := client.Tenant(ctx, "globex", "prod")
	ok(t, err)
	other, err := globex.Usage().Report(ctx, report)
	ok(t, err)
	same(t, other, first)
	for range 2 {
		own, err := acme.Usage().Report(ctx, UsageReport{Model: ModelContext{Model: Ptr("a model of ours")}})
		ok(t, err)
		same(t, own, UsageReceipt{Recorded: true})
	}
	_, err = acme.Usage().Report(ctx, UsageReport{UsageID: "call-2"})
	fails(t, err, ErrInvalidArgument, "usage_invalid")
}

func TestDetectorsTellTheKeysTheyWrite(t *testing.T) {
	_, acme := open(t)
	found, err := acme.Guard().Detectors(ctx)
	ok(t, err)
	for _, detector := range found.Items {
		if detector.Name == "secrets" {
			same(t, detector.Status+detector.Tier+detector.Category, "healthyfastsecrets")
			same(t, detector.ContextKeys[0].Type, "bool")
			return
		}
	}
	t.Fatalf("%+v", found)
}

func TestARepeatedRequestIsAnsweredAsItWas(t *testing.T) {
	_, acme := open(t)
	ok(t, acme.Limits().Set(ctx, LimitSpec{ID: "calls", Rate: 1, PerMs: 86_400_000}))
	request := GuardRequest{Content: "hello", Action: "process_prompt", SessionID: "s"}
	first, err := acme.Guard().EvaluateOnce(ctx, request, "k-1")
	ok(t, err)
	again, err := acme.Guard().EvaluateOnce(ctx, request, "k-1")
	ok(t, err)
	same(t, first.Allowed(), true)
	if !reflect.DeepEqual(again, first) {
		t.Fatalf("got %+v\nwant %+v", again, first)
	}
	other, err := acme.Guard().EvaluateOnce(ctx, request, "k-2")
	ok(t, err)
	same(t, other.Code, "limit_exceeded")
	request.Content = "something else"
	_, err = acme.Guard().EvaluateOnce(ctx, request, "k-1")
	fails(t, err, ErrInvalidArgument, "idempotency_key_reused")
	_, err = acme.Guard().EvaluateOnce(ctx, request, "")
	fails(t, err, ErrInvalidArgument, "idempotency_key_invalid")
}

// What has to wait for the disk was begun already, and is not begun again.
func TestARequiredCallIsDecidedAndChargedOnce(t *testing.T) {
	_, acme := openWith(t, Options{DataDir: t.TempDir()})
	_, err := acme.Settings().Update(ctx, SettingsPatch{AuditClass: AuditRequired})
	ok(t, err)
	ok(t, acme.Limits().Set(ctx, LimitSpec{ID: "calls", Rate: 3, PerMs: 86_400_000}))
	for number, allowed := range []bool{true, true, true, false} {
		response, err := acme.Guard().EvaluatePrompt(ctx, "hello")
		ok(t, err)
		if response.Allowed() != allowed {
			t.Fatalf("call %d: %+v", number, response)
		}
	}
	rows, err := acme.Audit().Query(ctx, AuditQuery{})
	ok(t, err)
	decisions := 0
	for _, row := range rows.Items {
		if row.Kind == "decision" {
			decisions++
		}
	}
	same(t, decisions, 4)
}
