package tenantry

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestAContextThatIsOverStopsBeforeTheCall(t *testing.T) {
	client, acme := open(t)
	over, cancel := context.WithCancel(ctx)
	cancel()
	before, err := acme.Audit().Head(ctx)
	ok(t, err)
	_, err = acme.Guard().EvaluatePrompt(over, "x")
	fails(t, err, ErrCancelled, "cancelled")
	same(t, errors.Is(err, context.Canceled), true)
	_, err = client.Tenant(over, "acme", "prod")
	same(t, errors.Is(err, ErrCancelled), true)
	after, err := acme.Audit().Head(ctx)
	ok(t, err)
	same(t, after.Sequence, before.Sequence)
}

// queued is a tenant whose next guard call waits in line for a minute.
func queued(t *testing.T) *Tenant {
	client, err := Open(Options{InMemory: true, Deadline: time.Minute})
	ok(t, err)
	t.Cleanup(func() { ok(t, client.Close()) })
	_, err = client.Admin().Accounts().Create(ctx, "acme", TenantFacts{})
	ok(t, err)
	_, err = client.Admin().Projects().Create(ctx, "acme", "prod", TenantFacts{})
	ok(t, err)
	acme, err := client.Tenant(ctx, "acme", "prod")
	ok(t, err)
	ok(t, acme.Limits().Set(ctx, LimitSpec{ID: "line", Rate: 1, PerMs: 60_000, OnExceed: OnExceedQueue, MaxWaitMs: 60_000}))
	_, err = acme.Guard().EvaluatePrompt(ctx, "first")
	ok(t, err)
	return acme
}

func TestCancelStopsACallThatWaits(t *testing.T) {
	acme := queued(t)
	waiting, cancel := context.WithCancel(ctx)
	done := make(chan error)
	go func() {
		_, err := acme.Guard().EvaluatePrompt(waiting, "second")
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("the call did not wait: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	start := time.Now()
	cancel()
	err := <-done
	if took := time.Since(start); took > 50*time.Millisecond {
		t.Errorf("cancelling took %v", took)
	}
	fails(t, err, ErrCancelled, "cancelled")
	same(t, errors.Is(err, context.Canceled), true)
	same(t, errors.Is(err, context.DeadlineExceeded), false)
	// The work stopped as well: a call that gave up leaves its place in line, so nothing of it is decided.
	rows, err := acme.Audit().Query(ctx, AuditQuery{Limit: Ptr(int64(1000))})
	ok(t, err)
	decisions := 0
	for _, row := range rows.Items {
		if row.Kind == "decision" {
			decisions++
		}
	}
	same(t, decisions, 1)
}

func TestADeadlineOfTheContextStopsACallThatWaits(t *testing.T) {
	acme := queued(t)
	waiting, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := acme.Guard().EvaluatePrompt(waiting, "second")
	fails(t, err, ErrCancelled, "cancelled")
	same(t, errors.Is(err, context.DeadlineExceeded), true)
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("took %v", took)
	}
}

func TestAThousandGoroutines(t *testing.T) {
	client, acme := open(t)
	globex, err := client.Tenant(ctx, "globex", "prod")
	ok(t, err)
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	failures := make(chan error, 1000)
	for number := range 1000 {
		all.Go(func() {
			tenant, with := acme, ctx
			if number%2 == 0 {
				tenant = globex
			}
			if number%3 == 0 {
				with = cancellable
			}
			response, err := tenant.Guard().EvaluatePrompt(with, "hello", WithSession("s"), WithDebug())
			switch {
			case err != nil:
				failures <- err
			case response.DebugInfo.Tenant.AccountID != tenant.AccountID():
				failures <- errors.New("the answer of another tenant")
			}
		})
	}
	all.Wait()
	close(failures)
	for err := range failures {
		t.Fatal(err)
	}
}

func TestAHundredWaitersHoldNoThreads(t *testing.T) {
	acme := queued(t)
	waiting, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := acme.Guard().EvaluatePrompt(waiting, "x"); !errors.Is(err, ErrCancelled) {
				t.Error(err)
			}
		})
		// A context that never ends holds no thread either; the test does not wait for these.
		go acme.Guard().EvaluatePrompt(ctx, "x")
	}
	time.Sleep(200 * time.Millisecond)
	if threads := threadCount(t); threads > 60 {
		t.Errorf("%d threads", threads)
	}
	cancel()
	all.Wait()
}

func TestCloseIsSafeDuringCalls(t *testing.T) {
	client, err := Open(Options{InMemory: true, Deadline: 10 * time.Second, Dev: Ptr(true)})
	ok(t, err)
	acme, err := client.Tenant(ctx, "acme", "prod")
	ok(t, err)
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for number := range 50 {
		all.Go(func() {
			with := ctx
			if number%2 == 0 {
				with = cancellable
			}
			for {
				_, err := acme.Guard().EvaluatePrompt(with, "x")
				if err == nil {
					_, err = client.Tenant(with, "acme", "prod")
				}
				if err != nil {
					fails(t, err, ErrInvalidArgument, "client_closed")
					return
				}
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	ok(t, client.Close())
	ok(t, client.Close())
	all.Wait()
	same(t, client.object.users.Load(), 0)
	_, err = client.Tenant(ctx, "acme", "prod")
	fails(t, err, ErrInvalidArgument, "client_closed")
	_, err = client.Admin().Accounts().List(ctx)
	fails(t, err, ErrInvalidArgument, "client_closed")
	_, err = acme.Guard().EvaluatePrompt(ctx, "x")
	fails(t, err, ErrInvalidArgument, "client_closed")
}

func TestHandlesNobodyHoldsAreFreed(t *testing.T) {
	_, acme := open(t)
	freed := make(chan struct{}, 100)
	for range 100 {
		other, err := acme.ActingAs(Principal{ID: "ada"})
		ok(t, err)
		runtime.AddCleanup(other.object, func(freed chan struct{}) { freed <- struct{}{} }, freed)
	}
	for range 100 {
		runtime.GC()
		if len(freed) == 100 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d of 100 were freed", len(freed))
}

func TestADataFolderIsKept(t *testing.T) {
	t.Setenv("TENANTRY_ROOT_KEY", "abababababababababababababababababababababababababababababababab")
	folder := t.TempDir()
	for _, account := range []string{"acme", "globex"} {
		client, err := Open(Options{DataDir: folder, Deadline: 10 * time.Second, DefaultHeaders: map[string]string{"X-App": "test"}})
		ok(t, err)
		_, err = client.Admin().Accounts().Create(ctx, account, TenantFacts{})
		ok(t, err)
		accounts, err := client.Admin().Accounts().List(ctx)
		ok(t, err)
		same(t, accounts.Items[0].ID, "acme")
		ok(t, client.Close())
	}
}
