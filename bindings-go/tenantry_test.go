package tenantry

import (
	"context"
	"testing"
	"time"
)

// open is a client in memory with one tenant, closed with the test.
func open(t testing.TB) (*Client, *Tenant) {
	t.Helper()
	return openWith(t, Options{InMemory: true})
}

func openWith(t testing.TB, options Options) (*Client, *Tenant) {
	t.Helper()
	// The machine that runs the tests is busy: the usual deadline would be a coin toss.
	options.Deadline = 10 * time.Second
	client, err := Open(options)
	ok(t, err)
	t.Cleanup(func() { ok(t, client.Close()) })
	ctx := context.Background()
	for _, account := range []string{"acme", "globex"} {
		_, err = client.Admin().Accounts().Create(ctx, account, TenantFacts{})
		ok(t, err)
		_, err = client.Admin().Projects().Create(ctx, account, "prod", TenantFacts{Tier: "enterprise"})
		ok(t, err)
	}
	acme, err := client.Tenant(ctx, "acme", "prod")
	ok(t, err)
	return client, acme
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T comparable](t testing.TB, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestAPromptIsAllowed(t *testing.T) {
	_, acme := open(t)
	response, err := acme.Guard().EvaluatePrompt(context.Background(), "What is the capital of France?")
	ok(t, err)
	same(t, response.Decision, DecisionAllow)
	same(t, response.Err(), nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	response, err = acme.Guard().EvaluatePrompt(ctx, "What is the capital of France?")
	ok(t, err)
	same(t, response.Allowed(), true)
}
