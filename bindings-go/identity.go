//go:build cgo

package tenantry

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// Presented is what a caller presents: made by Token or Headers. Printed, it shows nothing.
type Presented struct {
	parts presentedParts
}

// Token is a token or key on its own.
func Token(text string) Presented {
	return Presented{presentedParts{Token: &text}}
}

// Headers is the headers of a request, such as an http.Header. Every line of every header counts: a credential or tenant
// that is given twice is refused. A value that is not UTF-8 is read as Latin-1, as HTTP has it.
func Headers(headers map[string][]string) Presented {
	var parts presentedParts
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, value := range headers[name] {
			parts.Headers = append(parts.Headers, headerParts{Name: readable(name), Value: readable(value)})
		}
	}
	return Presented{parts}
}

func readable(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for _, letter := range []byte(text) {
		out.WriteRune(rune(letter))
	}
	return out.String()
}

// PresentedOption says more about the request that carried a credential.
type PresentedOption func(*Presented)

// WithTarget gives the request's method, and its path and query: streams may carry their token there. Of an http.Request
// they are Method and URL.RequestURI().
func WithTarget(method, target string) PresentedOption {
	return func(presented *Presented) { presented.parts.Method, presented.parts.Target = method, target }
}

// WithPeer gives the peer's address, with or without a port, such as RemoteAddr of an http.Request. Headers of dev mode
// are taken from this machine only.
func WithPeer(address string) PresentedOption {
	if full, err := netip.ParseAddrPort(address); err == nil {
		address = full.Addr().Unmap().String()
	}
	return func(presented *Presented) { presented.parts.Peer = address }
}

// Authenticate is the handle of whoever presents this: of the one project its credential reaches, or selects by a header
// within what it reaches. It acts as the credential's principal and ends with the credential. ErrUnauthenticated when
// there is no credential or it does not verify, ErrPermissionDenied when it does not reach what was selected.
func (c *Client) Authenticate(ctx context.Context, presented Presented, options ...PresentedOption) (*Tenant, error) {
	for _, option := range options {
		option(&presented)
	}
	return tenant(c.object.authenticate(ctx, presented.parts))
}

// Caller is who the credential behind this handle is; nil when the process itself named the tenant.
func (t *Tenant) Caller() *Identity {
	if t.caller == nil {
		return nil
	}
	own := *t.caller
	return &own
}

// RequireScopes is nil when the caller has all of these scopes, and ErrPermissionDenied when it lacks one. The process
// itself has none.
func (t *Tenant) RequireScopes(ctx context.Context, scopes ...string) error {
	return t.object.requireScopes(ctx, scopes)
}
