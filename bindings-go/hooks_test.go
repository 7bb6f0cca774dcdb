//go:build tenantry_test_hooks

package tenantry

import (
	"context"
	"testing"
)

func TestAPanicInsideTheEngineIsAnError(t *testing.T) {
	_, acme := open(t)
	TestPanicNext()
	_, err := acme.Guard().EvaluatePrompt(ctx, "x")
	fails(t, err, ErrInternal, "internal")
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	TestPanicNext()
	_, err = acme.Guard().EvaluatePrompt(cancellable, "x")
	fails(t, err, ErrInternal, "internal")
	_, err = acme.Guard().EvaluatePrompt(ctx, "x")
	ok(t, err)
}
