package tenantry

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"
)

// Kind is the family of an error: a closed set, the same in every language.
type Kind string

// The families. Each has a sentinel below for errors.Is.
const (
	KindInvalidArgument  Kind = "InvalidArgument"
	KindUnauthenticated  Kind = "Unauthenticated"
	KindPermissionDenied Kind = "PermissionDenied"
	KindNotFound         Kind = "NotFound"
	KindConflict         Kind = "Conflict"
	KindRateLimited      Kind = "RateLimited"
	KindQuotaExceeded    Kind = "QuotaExceeded"
	KindTimeout          Kind = "Timeout"
	KindCancelled        Kind = "Cancelled"
	KindUnavailable      Kind = "Unavailable"
	KindData             Kind = "Data"
	KindInternal         Kind = "Internal"
)

// Sentinels for errors.Is: any *Error of the family matches.
var (
	// ErrInvalidArgument: the input is not acceptable; the same call can never succeed.
	ErrInvalidArgument error = family(KindInvalidArgument)
	// ErrUnauthenticated: no credential, or one that could not be verified.
	ErrUnauthenticated error = family(KindUnauthenticated)
	// ErrPermissionDenied: the credential is good but does not reach this far.
	ErrPermissionDenied error = family(KindPermissionDenied)
	// ErrNotFound: the object does not exist in this scope (or exists in another one: the answer is the same).
	ErrNotFound error = family(KindNotFound)
	// ErrConflict: the object exists already, or was changed meanwhile.
	ErrConflict error = family(KindConflict)
	// ErrRateLimited: a rate was exceeded. Only Limits.Acquire and admin calls return it.
	ErrRateLimited error = family(KindRateLimited)
	// ErrQuotaExceeded: a cap on stored objects was reached.
	ErrQuotaExceeded error = family(KindQuotaExceeded)
	// ErrTimeout: the client's deadline passed.
	ErrTimeout error = family(KindTimeout)
	// ErrCancelled: the caller gave up. The context's own error matches as well.
	ErrCancelled error = family(KindCancelled)
	// ErrUnavailable: something needed for a decision is out of reach; retrying may help.
	ErrUnavailable error = family(KindUnavailable)
	// ErrData: stored data is not what it should be.
	ErrData error = family(KindData)
	// ErrInternal: a defect in Tenantry.
	ErrInternal error = family(KindInternal)
)

type family Kind

func (f family) Error() string {
	return string(f)
}

// Error is anything Tenantry fails with, blocked calls aside: no decision could be made.
type Error struct {
	// Kind is the family.
	Kind Kind
	// Code is stable and machine-readable, e.g. scope_id_invalid.
	Code string
	// Message is one sentence. It never holds content. Of a policy's text, the line it stands in follows, and a caret below it.
	Message string
	// Help says what to do about it, if known.
	Help string
	// RetryAfter is when a retry may succeed; zero when unknown.
	RetryAfter time.Duration
	// Policy is the policy whose text it is about, if it is about one.
	Policy string
	// Line and Column are where it stands in that text, from 1; the column in characters.
	Line, Column int

	cause error
}

// Error is the message with its code, and the help if there is any.
func (e *Error) Error() string {
	sentence, excerpt, located := strings.Cut(e.Message, "\n")
	text := sentence + " (" + e.Code + ")"
	if e.Help != "" {
		text += "; " + e.Help
	}
	if located {
		text += "\n" + excerpt
	}
	return text
}

// Is matches the sentinel of the family.
func (e *Error) Is(target error) bool {
	wanted, ok := target.(family)
	return ok && Kind(wanted) == e.Kind
}

// Unwrap is the context's error for a cancelled call.
func (e *Error) Unwrap() error {
	return e.cause
}

// BlockedError is what GuardResponse.Err and Shield return for a call that may not proceed: a decision, not an outage.
type BlockedError struct {
	// Response is the whole answer.
	Response *GuardResponse
	// Code is the response's code, else its decision.
	Code string
	// Message is one sentence.
	Message string
	// RetryAfter is when a retry may pass a limit; zero when unknown.
	RetryAfter time.Duration
}

// Error is the message with its code.
func (e *BlockedError) Error() string {
	return e.Message + " (" + e.Code + ")"
}

const maxMilliseconds = math.MaxInt64 / int64(time.Millisecond)

func milliseconds(count uint64) time.Duration {
	return time.Duration(min(count, uint64(maxMilliseconds))) * time.Millisecond
}

func cancelled(cause error) *Error {
	message := "the call was cancelled"
	if errors.Is(cause, context.DeadlineExceeded) {
		message = "the context's deadline passed"
	}
	return &Error{Kind: KindCancelled, Code: "cancelled", Message: message, cause: cause}
}

func defect(message string) *Error {
	return &Error{Kind: KindInternal, Code: "internal", Message: message, Help: "please report this with the version"}
}
