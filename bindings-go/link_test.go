package tenantry_test

import (
	"testing"

	"github.com/tenantry/tenantry-go"
)

// A program that links: flags the static library needs and no package declares show here first.
func TestItLinks(t *testing.T) {
	if tenantry.Ptr(1) == nil {
		t.Fail()
	}
}
