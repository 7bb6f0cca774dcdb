//go:build cgo

package tenantry

import (
	"context"
	"encoding/json"
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

// Identity has issuers, API keys and tokens, as the client itself.
func (c *Client) Identity() Identities {
	return Identities{c.object}
}

// Identity has API keys and tokens as the caller of this tenant: nothing reaches further than its credential.
func (t *Tenant) Identity() Identities {
	return Identities{t.object}
}

// identityCalls is what a client and a tenant are both asked.
type identityCalls interface {
	verifyCredential(ctx context.Context, credential string) (Identity, error)
	identitySettings(ctx context.Context) (identitySettingsParts, error)
	putIdentitySettings(ctx context.Context, settings identitySettingsParts) (identitySettingsParts, error)
	putIssuer(ctx context.Context, spec IssuerSpec) (IssuerReceipt, error)
	checkIssuer(ctx context.Context, issuer string) (IssuerReceipt, error)
	removeIssuer(ctx context.Context, issuer string) error
	listIssuers(ctx context.Context) ([]IssuerSpec, error)
	createKey(ctx context.Context, spec KeySpec) (NewAPIKey, error)
	listKeys(ctx context.Context, account, project string) ([]APIKey, error)
	getKey(ctx context.Context, id string) (APIKey, error)
	revokeKey(ctx context.Context, id string) (APIKey, error)
	rotateKey(ctx context.Context, id string, overlapSeconds int64) (NewAPIKey, error)
	exchangeToken(ctx context.Context, request TokenRequest) (AccessToken, error)
	issueToken(ctx context.Context, spec TokenSpec) (AccessToken, error)
	introspectToken(ctx context.Context, token string) (Introspection, error)
	revokeToken(ctx context.Context, token string) error
	publishedKeys(ctx context.Context) (map[string]any, error)
	rotateSigningKey(ctx context.Context) error
}

// Identities has the operations on credentials; see Client.Identity and Tenant.Identity.
type Identities struct {
	object identityCalls
}

// Issuers are those whose tokens are taken. They are the platform's.
func (i Identities) Issuers() Issuers {
	return Issuers(i)
}

// Keys are API keys.
func (i Identities) Keys() Keys {
	return Keys(i)
}

// Tokens are our own tokens.
func (i Identities) Tokens() Tokens {
	return Tokens(i)
}

// Verify is who a token or key is, and what it reaches. ErrUnauthenticated when it does not verify.
func (i Identities) Verify(ctx context.Context, credential string) (Identity, error) {
	return i.object.verifyCredential(ctx, credential)
}

// Settings is what the platform decides about identity.
func (i Identities) Settings(ctx context.Context) (IdentitySettings, error) {
	return settingsOf(i.object.identitySettings(ctx))
}

// PutSettings replaces what the platform decides about identity; what is left out takes its default.
func (i Identities) PutSettings(ctx context.Context, settings IdentitySettings) (IdentitySettings, error) {
	return settingsOf(i.object.putIdentitySettings(ctx, settings.parts()))
}

// IdentitySettings is what the platform decides about identity. A zero value means the default.
type IdentitySettings struct {
	// Issuer is the iss of our own tokens; empty for one made from the installation's key id.
	Issuer string `json:"issuer"`
	// TrustDomain is that of agents' SPIFFE ids in our own tokens; tenantry by default.
	TrustDomain string `json:"trust_domain"`
	// KeyPrefix is what new API keys start with; tnt_sk by default.
	KeyPrefix string `json:"key_prefix"`
	// AccessTokenSeconds is the lifetime of our access tokens; an hour by default.
	AccessTokenSeconds int64 `json:"access_token_seconds"`
	// RefreshTokenSeconds is the lifetime of our refresh tokens; 30 days by default.
	RefreshTokenSeconds int64 `json:"refresh_token_seconds"`
	// MaxKeys is the most living API keys per project; 100 by default.
	MaxKeys int64 `json:"max_keys"`
	// Roles tells which scopes a role means, for credentials that carry roles and no scopes. A nil map is the default
	// table, an empty one is none.
	Roles map[string][]string `json:"roles,omitzero"`
	// AutoProvision is what happens to accounts nobody has seen.
	AutoProvision AutoProvision `json:"auto_provision"`
}

func (s *IdentitySettings) parts() identitySettingsParts {
	parts := identitySettingsParts{
		Issuer: s.Issuer, TrustDomain: s.TrustDomain, KeyPrefix: s.KeyPrefix, MaxKeys: s.MaxKeys,
		AccessTokenSeconds: s.AccessTokenSeconds, RefreshTokenSeconds: s.RefreshTokenSeconds,
		AutoProvision: s.AutoProvision,
	}
	if s.Roles != nil {
		parts.Roles = make([]roleParts, 0, len(s.Roles))
	}
	for name, scopes := range s.Roles {
		parts.Roles = append(parts.Roles, roleParts{Name: name, Scopes: scopes})
	}
	return parts
}

func settingsOf(parts identitySettingsParts, err error) (IdentitySettings, error) {
	if err != nil {
		return IdentitySettings{}, err
	}
	settings := IdentitySettings{
		Issuer: parts.Issuer, TrustDomain: parts.TrustDomain, KeyPrefix: parts.KeyPrefix, MaxKeys: parts.MaxKeys,
		AccessTokenSeconds: parts.AccessTokenSeconds, RefreshTokenSeconds: parts.RefreshTokenSeconds,
		Roles: make(map[string][]string, len(parts.Roles)), AutoProvision: parts.AutoProvision,
	}
	for _, role := range parts.Roles {
		settings.Roles[role.Name] = role.Scopes
	}
	return settings, nil
}

// Issuers has the identity providers whose tokens are taken; see Identities.Issuers.
type Issuers struct {
	object identityCalls
}

// Put takes an issuer's tokens from now on, replacing what was said of it before. Published keys are fetched at once; the
// receipt says which keys there are, which are not used and why, and why none could be fetched. The entry holds whatever it says.
func (i Issuers) Put(ctx context.Context, spec IssuerSpec) (IssuerReceipt, error) {
	return i.object.putIssuer(ctx, spec)
}

// Check tells the keys of an issuer as they are now; published ones are fetched.
func (i Issuers) Check(ctx context.Context, issuer string) (IssuerReceipt, error) {
	return i.object.checkIssuer(ctx, issuer)
}

// Remove takes none of an issuer's tokens any more, also none that were taken before: their handles end.
func (i Issuers) Remove(ctx context.Context, issuer string) error {
	return i.object.removeIssuer(ctx, issuer)
}

// List is all issuers by name, without their secrets.
func (i Issuers) List(ctx context.Context) ([]IssuerSpec, error) {
	return i.object.listIssuers(ctx)
}

// Keys has API keys; see Identities.Keys.
type Keys struct {
	object identityCalls
}

// Create makes a key, no wider than its maker, or imports one by its hash. The key is shown this once.
func (k Keys) Create(ctx context.Context, spec KeySpec) (NewAPIKey, error) {
	return k.object.createKey(ctx, spec)
}

// List is the keys of a project, an account, or with both empty of the caller's own project or the platform; oldest first.
func (k Keys) List(ctx context.Context, account, project string) ([]APIKey, error) {
	return k.object.listKeys(ctx, account, project)
}

// Get is one key, without its secret. ErrNotFound for one the caller does not reach.
func (k Keys) Get(ctx context.Context, id string) (APIKey, error) {
	return k.object.getKey(ctx, id)
}

// Revoke ends a key and everything that was exchanged for it, at once.
func (k Keys) Revoke(ctx context.Context, id string) (APIKey, error) {
	return k.object.revokeKey(ctx, id)
}

// Rotate makes a key to take another's place; the old one is taken for so many seconds more.
func (k Keys) Rotate(ctx context.Context, id string, overlapSeconds int64) (NewAPIKey, error) {
	return k.object.rotateKey(ctx, id, overlapSeconds)
}

// Tokens has our own tokens; see Identities.Tokens.
type Tokens struct {
	object identityCalls
}

// Exchange is the token endpoint: an access token for an API key, or the next pair for a refresh token.
func (t Tokens) Exchange(ctx context.Context, request TokenRequest) (AccessToken, error) {
	return t.object.exchangeToken(ctx, request)
}

// Issue is a token for somebody the app itself has authenticated.
func (t Tokens) Issue(ctx context.Context, spec TokenSpec) (AccessToken, error) {
	return t.object.issueToken(ctx, spec)
}

// Introspect is what a token or key is worth now; to a caller only those it reaches are worth anything.
func (t Tokens) Introspect(ctx context.Context, token string) (Introspection, error) {
	return t.object.introspectToken(ctx, token)
}

// Revoke ends a token; a refresh token with everything it led to. One that is not known is answered the same.
func (t Tokens) Revoke(ctx context.Context, token string) error {
	return t.object.revokeToken(ctx, token)
}

// JWKS is our public keys as a JWK set, for others to verify our tokens with.
func (t Tokens) JWKS(ctx context.Context) (map[string]any, error) {
	return t.object.publishedKeys(ctx)
}

// RotateSigningKey signs with a new key from now on; the one before stays published until its last token has ended.
func (t Tokens) RotateSigningKey(ctx context.Context) error {
	return t.object.rotateSigningKey(ctx)
}

// Grants has cross-tenant grants; see Admin.Grants.
type Grants struct {
	object *nativeTenantry
}

// Create lets principals of one account act in a project of another, for named actions and a time.
func (g Grants) Create(ctx context.Context, spec GrantSpec) (Grant, error) {
	return g.object.createGrant(ctx, spec)
}

// List is the grants that have not ended, by id.
func (g Grants) List(ctx context.Context) ([]Grant, error) {
	return g.object.listGrants(ctx)
}

// Revoke ends a grant at once.
func (g Grants) Revoke(ctx context.Context, id string) error {
	return g.object.revokeGrant(ctx, id)
}

// Uses reads what crossed between tenants, as Audit.Query reads a project's chain.
func (g Grants) Uses(ctx context.Context, query AuditQuery) ([]AuditRecord, error) {
	return g.object.grantUses(ctx, query)
}

// MarshalJSON writes the claims beside active, as RFC 7662 has it.
func (i Introspection) MarshalJSON() ([]byte, error) {
	all := maps.Clone(i.Claims)
	if all == nil {
		all = map[string]any{}
	}
	all["active"] = i.Active
	return json.Marshal(all)
}

// UnmarshalJSON reads what MarshalJSON writes. Numbers are json.Number.
func (i *Introspection) UnmarshalJSON(text []byte) error {
	fields, err := readJSON(string(text))
	if err != nil {
		return err
	}
	active, _ := fields["active"].(bool)
	delete(fields, "active")
	*i = Introspection{Active: active, Claims: fields}
	return nil
}
