package tenantry

// The hand-written half of the crossing: objects, futures, buffers in and out, and errors. Everything that knows a type
// is generated (codec_gen.go, calls_gen.go).

// #include "runtime.h"
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"runtime/cgo"
	"sync/atomic"
	"unsafe"
)

// Records carry no checksum of their own: a codec written for another layout would read lengths out of text. So nothing
// is read before both sides agree.
func init() {
	if library := uint64(C.tenantry_layout_fingerprint()); library != layoutFingerprint {
		panic(fmt.Sprintf("tenantry: the Go code (%016x) and the static library (%016x) are of different versions: "+
			"rebuild both with bindings-go/build.py", layoutFingerprint, library))
	}
	if library := uint64(C.tenantry_operations_hash()); library != operationsHash {
		panic(fmt.Sprintf("tenantry: the operations of the Go code (%016x) and of the static library (%016x) differ: "+
			"write the code with `make generate` and rebuild with bindings-go/build.py", operationsHash, library))
	}
}

// native is a handle of a Rust object. Rust counts owners; each call takes one more for its duration.
type native struct {
	handle C.uint64_t
	free   func(C.uint64_t)
	// Running calls, and one until released: whoever brings it to zero frees the handle.
	users    atomic.Int64
	released atomic.Pointer[Error]
	cleanup  runtime.Cleanup
}

func (n *native) adopt(handle C.uint64_t, free func(C.uint64_t)) {
	n.handle, n.free = handle, free
	n.users.Store(1)
	// The backstop for objects nobody released; nothing runs on an object that nobody can reach.
	n.cleanup = runtime.AddCleanup(n, free, handle)
}

// enter begins a call: the result is an owner of its own, which the call consumes.
func (n *native) enter(clone func(C.uint64_t) C.uint64_t) (C.uint64_t, error) {
	for {
		users := n.users.Load()
		if users == 0 {
			return 0, n.released.Load()
		}
		if n.users.CompareAndSwap(users, users+1) {
			return clone(n.handle), nil
		}
	}
}

func (n *native) leave() {
	if n.users.Add(-1) == 0 {
		n.cleanup.Stop()
		n.free(n.handle)
	}
}

// release gives the object up once its running calls have ended; later calls fail with why.
func (n *native) release(why *Error) {
	if n.released.CompareAndSwap(nil, why) {
		n.leave()
	}
}

// futureKind has the functions of futures with one type of result.
type futureKind struct {
	poll   C.future_poll
	cancel C.future_cancel
	free   C.future_free
}

// await polls until the future is ready, or cancels it once ctx is over. Either way it may be completed afterwards.
func (k *futureKind) await(ctx context.Context, future C.uint64_t) {
	woken := make(chan C.int8_t, 1)
	handle := cgo.NewHandle(woken)
	defer handle.Delete()
	for {
		switch C.tenantry_poll(k.poll, future, C.uint64_t(handle)) {
		case C.FUTURE_READY:
			return
		case C.FUTURE_AGAIN:
			continue
		}
		select {
		case <-woken:
		case <-ctx.Done():
			// The poll's one continuation still comes, at the latest from here; the handle must outlive it.
			C.tenantry_call(k.cancel, future)
			<-woken
			return
		}
	}
}

func (k *futureKind) release(future C.uint64_t) {
	C.tenantry_call(k.free, future)
}

//export tenantryWake
func tenantryWake(data C.uint64_t, result C.int8_t) {
	cgo.Handle(data).Value().(chan C.int8_t) <- result
}

// over tells whether ctx is done already.
func over(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return cancelled(err)
	}
	return nil
}

// buffer hands the bytes written so far over to Rust. Only a call may follow, which takes them.
func (w *writer) buffer() C.RustBuffer {
	return C.tenantry_copy((*C.uint8_t)(unsafe.SliceData(w.bytes)), C.int32_t(len(w.bytes)))
}

// take copies a buffer that Rust gave away and frees it.
func take(buffer C.RustBuffer) string {
	text := string(unsafe.Slice((*byte)(buffer.data), int(buffer.len)))
	var status C.RustCallStatus
	C.ffi_tenantry_go_rustbuffer_free(buffer, &status)
	return text
}

// check turns the status of a call into its error.
func check(ctx context.Context, status *C.RustCallStatus) error {
	switch status.code {
	case 0:
		return nil
	case 1:
		var failure failure
		r := &reader{data: take(status.error_buf)}
		failure.read(r)
		if err := r.end(); err != nil {
			return err
		}
		return failure.asError()
	case 3:
		return cancelled(ctx.Err())
	default:
		// A panic of the scaffolding itself; those of the core come as errors. Its words may hold content.
		take(status.error_buf)
		return defect("Tenantry failed unexpectedly")
	}
}

func (f *failure) asError() *Error {
	err := &Error{Kind: Kind(f.Kind), Code: f.Code, Message: f.Message}
	if f.Help != nil {
		err.Help = *f.Help
	}
	if f.RetryAfterMs != nil {
		err.RetryAfter = milliseconds(*f.RetryAfterMs)
	}
	if f.Policy != nil && f.Line != nil && f.Column != nil {
		err.Policy, err.Line, err.Column = *f.Policy, int(*f.Line), int(*f.Column)
	}
	return err
}
