#include "runtime.h"

// Go; see runtime.go.
extern void tenantryWake(uint64_t data, int8_t result);

// The poll this thread is inside of, and what was called back meanwhile. A future that is ready at its first poll calls
// back before the poll returns: noting that here spares the way up into Go.
static __thread uint64_t polling;
static __thread int8_t found;

static void resume(uint64_t data, int8_t result) {
	if (polling == data) {
		found = result;
	} else {
		tenantryWake(data, result);
	}
}

int8_t tenantry_poll(future_poll poll, uint64_t future, uint64_t data) {
	polling = data;
	found = FUTURE_PENDING;
	poll(future, resume, data);
	polling = 0;
	return found;
}

void tenantry_call(future_free function, uint64_t future) {
	function(future);
}

RustBuffer tenantry_copy(const uint8_t *data, int32_t len) {
	// Rust's own empty buffer holds no null but a number that is no address, and Go takes a bad pointer on its stack for
	// a defect of the program.
	if (len == 0) {
		return (RustBuffer){0};
	}
	ForeignBytes bytes = {len, data};
	RustCallStatus status = {0};
	return ffi_tenantry_go_rustbuffer_from_bytes(bytes, &status);
}
