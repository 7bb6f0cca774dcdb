// Package tenantry is the boundary between the customers of an AI product, in your process: who acts, whether they may,
// how much is left, what is inside, and proof.
//
// # Lifecycle
//
// [Open] gives a [Client]: one engine, many tenants. [Client.Tenant] gives the [Tenant] of one customer's project; keep
// it and share it between goroutines. Everything is safe for concurrent use. [Client.Close] writes down what is pending;
// it may be called twice and while calls run. Calls after it fail with code client_closed. A client nobody closed goes
// with the garbage collector, which is a backstop and no plan.
//
// The engine runs in this process, behind a static library written in Rust. It starts a few threads, named tenantry, when
// first needed. After fork without exec the child must not use it.
//
// # Callers
//
// [Client.Authenticate] gives the [Tenant] of whoever presents a credential, as [Headers] of a request or a [Token]: it acts
// as [Tenant.Caller], reaches what the credential reaches, and ends with it. [Client.Identity] and [Tenant.Identity] have
// API keys, tokens and the issuers whose tokens are taken. Values that hold a secret do not print it; JSON has it.
//
// # Contexts
//
// Every method that may wait takes a context. One that is done already stops the call before it begins; one that ends
// while the call waits stops the work. A warm guard call is answered at once, on the calling goroutine. The client's own
// deadline ([Options], 250 ms by default) bounds each call as well.
//
// # Decisions and errors
//
// A denial is an answer and not an error: look at [GuardResponse.Allowed], or let [GuardResponse.Err] and [Shield] make a
// [*BlockedError] of it. An error means that no decision could be made, and the action must not proceed:
//
//	response, err := acme.Guard().EvaluatePrompt(ctx, prompt)
//	if err != nil {
//		return err // an outage or bad input: fail closed
//	}
//	if err := response.Err(); err != nil {
//		return err // a decision: *BlockedError
//	}
//	send(response.PassedOn(prompt))
//
// Every other error is an [*Error] with a Kind, a stable Code, a Message, and maybe Help and RetryAfter. errors.Is matches
// its family ([ErrNotFound], [ErrUnavailable] …); of a cancelled call it matches [ErrCancelled] and the context's error.
//
// # Values
//
// Structs have the wire's names as JSON tags, and encoding/json writes answers as the wire has them. In a request, a zero
// value means absent, and numbers and flags of which zero says something are pointers ([Ptr] makes one). Metadata and tool arguments are
// whatever encoding/json takes; text that is not UTF-8, NaN and cycles are refused. In answers their numbers are
// [encoding/json.Number], exactly as the engine wrote them. Lists come as a [Page].
package tenantry
