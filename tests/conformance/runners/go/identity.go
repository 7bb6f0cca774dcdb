//go:build tenantry_test_hooks

package main

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tenantry/tenantry-go"
)

var reference = regexp.MustCompile(`\$\{(\w+)\.(\w+)\}`)

// filled is what is given, with what earlier steps answered in the place of ${name.field}.
func (w *world) filled(given json.RawMessage) json.RawMessage {
	return reference.ReplaceAllFunc(given, func(found []byte) []byte {
		name := reference.FindSubmatch(found)
		text, _ := w.kept[string(name[1])][string(name[2])].(string)
		return []byte(strings.Trim(string(must(json.Marshal(text))), `"`))
	})
}

// credentials has the operations of the client, or of the caller of a held handle.
func (w *world) credentials(held *tenantry.Tenant, a list, with json.RawMessage) operations {
	identity, grants := w.client.Identity(), w.client.Admin().Grants()
	if held != nil {
		identity = held.Identity()
	}
	issuers, keys, tokens := identity.Issuers(), identity.Keys(), identity.Tokens()
	return operations{
		"authenticate": func() (any, error) { return w.authenticate(a) },
		"caller": func() (any, error) {
			if held == nil {
				return nil, nil
			}
			return held.Caller(), nil
		},
		"require_scopes": func() (any, error) {
			if held == nil {
				return nil, nil
			}
			return nil, held.RequireScopes(ctx, a.Scopes...)
		},
		"identity.verify":       func() (any, error) { return identity.Verify(ctx, a.Credential) },
		"identity.settings":     func() (any, error) { return identity.Settings(ctx) },
		"identity.put_settings": func() (any, error) { return identity.PutSettings(ctx, a.Settings) },
		"issuers.put":           func() (any, error) { return issuers.Put(ctx, a.Issuer) },
		"issuers.check":         func() (any, error) { return issuers.Check(ctx, a.ID) },
		"issuers.remove":        func() (any, error) { return nil, issuers.Remove(ctx, a.ID) },
		"issuers.list":          func() (any, error) { return items(issuers.List(ctx)) },
		"keys.create": func() (any, error) {
			spec := as[tenantry.KeySpec](with)
			spec.AccountID, spec.ProjectID = a.Account, a.Project
			return keys.Create(ctx, spec)
		},
		"keys.get":    func() (any, error) { return keys.Get(ctx, a.ID) },
		"keys.list":   func() (any, error) { return items(keys.List(ctx, a.Account, a.Project)) },
		"keys.revoke": func() (any, error) { return keys.Revoke(ctx, a.ID) },
		"keys.rotate": func() (any, error) { return keys.Rotate(ctx, a.ID, a.OverlapSeconds) },
		"tokens.exchange": func() (any, error) {
			request := as[tenantry.TokenRequest](with)
			request.AccountID, request.ProjectID = a.Account, a.Project
			return tokens.Exchange(ctx, request)
		},
		"tokens.issue": func() (any, error) {
			spec := as[tenantry.TokenSpec](with)
			spec.AccountID, spec.ProjectID = a.Account, a.Project
			return tokens.Issue(ctx, spec)
		},
		"tokens.introspect":         func() (any, error) { return tokens.Introspect(ctx, a.Token) },
		"tokens.revoke":             func() (any, error) { return nil, tokens.Revoke(ctx, a.Token) },
		"tokens.jwks":               func() (any, error) { return tokens.JWKS(ctx) },
		"tokens.rotate_signing_key": func() (any, error) { return nil, tokens.RotateSigningKey(ctx) },
		"grants.create":             func() (any, error) { return grants.Create(ctx, as[tenantry.GrantSpec](with)) },
		"grants.list":               func() (any, error) { return items(grants.List(ctx)) },
		"grants.revoke":             func() (any, error) { return nil, grants.Revoke(ctx, a.ID) },
		"grants.uses":               func() (any, error) { return items(grants.Uses(ctx, tenantry.AuditQuery{Limit: a.Limit})) },
	}
}

func (w *world) authenticate(a list) (any, error) {
	headers := map[string][]string{}
	for _, line := range a.Headers {
		headers[line[0]] = append(headers[line[0]], line[1])
	}
	presented := tenantry.Headers(headers)
	if a.Token != "" {
		presented = tenantry.Token(a.Token)
	}
	tenant, err := w.client.Authenticate(ctx, presented, tenantry.WithTarget(a.Method, a.Target), tenantry.WithPeer(a.Peer))
	if err != nil {
		return nil, err
	}
	if a.Hold != "" {
		w.held[a.Hold] = tenant
	}
	return map[string]any{
		"account_id": tenant.AccountID(), "project_id": tenant.ProjectID(), "caller": tenant.Caller(),
	}, nil
}
