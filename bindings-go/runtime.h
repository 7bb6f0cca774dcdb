// The hand-written C beside the generated declarations: copying in, and polling futures.

#pragma once

#include "ffi.h"

typedef void (*future_poll)(uint64_t future, RustFutureContinuation then, uint64_t data);
typedef void (*future_cancel)(uint64_t future);
typedef void (*future_free)(uint64_t future);

// What a poll found: the future is ready, wants to be polled again, or will call back.
enum { FUTURE_READY = 0, FUTURE_AGAIN = 1, FUTURE_PENDING = 2 };

RustBuffer tenantry_copy(const uint8_t *data, int32_t len);
int8_t tenantry_poll(future_poll poll, uint64_t future, uint64_t data);
void tenantry_call(future_free function, uint64_t future);
