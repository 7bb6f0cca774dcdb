//go:build tenantry_test_hooks

package tenantry

// #include <stdint.h>
// void tenantry_test_freeze(int64_t wall_micros);
// void tenantry_test_advance(uint64_t milliseconds);
// void tenantry_test_panic_next(void);
import "C"

import "time"

// TestFreeze makes clients opened from now on share a clock that stands at that time; ids and keys are counted.
func TestFreeze(at time.Time) {
	C.tenantry_test_freeze(C.int64_t(at.UnixMicro()))
}

// TestAdvance moves the standing clock.
func TestAdvance(by time.Duration) {
	C.tenantry_test_advance(C.uint64_t(by.Milliseconds()))
}

// TestPanicNext makes the next guard call panic inside the engine.
func TestPanicNext() {
	C.tenantry_test_panic_next()
}
