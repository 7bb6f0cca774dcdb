//go:build cgo

package tenantry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Options say how a client is opened. What is left out comes from TENANTRY_* variables, tenantry.toml, or defaults.
type Options struct {
	// DataDir is the folder data is kept in; made at first use. By default .tenantry in the working folder.
	DataDir string
	// InMemory keeps data in memory only: gone with the client. For tests and throw-away use.
	InMemory bool
	// Dev opens dev mode: tenants are made up as they are named. Left out, the environment decides.
	Dev *bool
	// APIKey is a credential to act with; empty acts as this process.
	APIKey string
	// RequireCredentials closes Client.Tenant: tenants are named by verified credentials only, through
	// Client.Authenticate. Left out, the environment decides.
	RequireCredentials *bool
	// AccountID is the account of Client.Own.
	AccountID string
	// ProjectID is the project of Client.Own.
	ProjectID string
	// BaseURL is a server to talk to instead of the embedded engine.
	BaseURL string
	// Deadline is how long a call may take; 250 ms by default. A shorter one of the context wins.
	Deadline time.Duration
	// DefaultHeaders are recorded with every guard call; those that carry credentials are left out.
	DefaultHeaders map[string]string
}

// Client is one engine, many tenants. Share it between goroutines, and close it.
type Client struct {
	object  *nativeTenantry
	closing sync.Mutex
}

// Open opens the engine, or joins the one this process has open on the same folder.
func Open(options Options) (*Client, error) {
	parts := openParts{
		DataDir:            options.DataDir,
		InMemory:           options.InMemory,
		Dev:                options.Dev,
		APIKey:             options.APIKey,
		RequireCredentials: options.RequireCredentials,
		AccountID:          options.AccountID,
		ProjectID:          options.ProjectID,
		BaseURL:            options.BaseURL,
		DefaultHeaders:     options.DefaultHeaders,
	}
	if options.Deadline != 0 {
		// Rounded away from zero: a deadline of less than a millisecond is not none, and a negative one is refused.
		whole := options.Deadline.Milliseconds()
		if rest := options.Deadline % time.Millisecond; rest > 0 {
			whole++
		} else if rest < 0 {
			whole--
		}
		parts.DeadlineMs = Ptr(whole)
	}
	object, err := nativeOpen(parts)
	if err != nil {
		return nil, err
	}
	return &Client{object: object}, nil
}

// Tenant is the handle of one project, as the process itself; see Authenticate for callers from outside. It never creates
// the project, except in dev mode.
func (c *Client) Tenant(ctx context.Context, account, project string) (*Tenant, error) {
	return tenant(c.object.tenant(ctx, account, project))
}

// Own is the handle of the client's own project: the one its credential or options name.
func (c *Client) Own(ctx context.Context) (*Tenant, error) {
	return tenant(c.object.own(ctx))
}

// Close writes down everything pending and refuses further calls, also through tenants of this client. It is safe to
// call twice and while calls run: these end, and the native client goes after them.
func (c *Client) Close() error {
	c.closing.Lock()
	defer c.closing.Unlock()
	if c.object.released.Load() != nil {
		return nil
	}
	ctx := context.Background()
	if err := c.object.shut(ctx); err != nil {
		return err
	}
	// What later calls fail with, in the core's own words: of all that may be asked, this minds nothing before it.
	var closed *Error
	if _, err := c.object.authenticate(ctx, presentedParts{}); errors.As(err, &closed) {
		c.object.release(closed)
	}
	return nil
}

// Tenant is the handle code holds to act inside one project. Cheap, safe to share between goroutines, and without a
// credential: keep one per customer.
type Tenant struct {
	object           *nativeTenant
	account, project string
	caller           *Identity
}

func tenant(object *nativeTenant, err error) (*Tenant, error) {
	if err != nil {
		return nil, err
	}
	about, err := object.about()
	if err != nil {
		return nil, err
	}
	made := &Tenant{object: object, account: about.AccountID, project: about.ProjectID}
	if about.Caller != "" {
		err = readAnswer(about.Caller, &made.caller)
	}
	return made, err
}

// AccountID is the account's id.
func (t *Tenant) AccountID() string {
	return t.account
}

// ProjectID is the project's id.
func (t *Tenant) ProjectID() string {
	return t.project
}

// String names the tenant.
func (t *Tenant) String() string {
	return fmt.Sprintf("Tenant(%q, %q)", t.account, t.project)
}

// ActingAs is the same project on behalf of a principal; this process vouches for it.
func (t *Tenant) ActingAs(principal Principal) (*Tenant, error) {
	text, err := encoded("the principal", principal)
	if err != nil {
		return nil, err
	}
	return tenant(t.object.actingAs(text))
}

// Guard has the guard calls.
func (t *Tenant) Guard() Guard {
	return Guard{t.object}
}

// Acquire takes cost from a limit for work of the app's own; ErrRateLimited when there is not enough.
func (l Limits) Acquire(ctx context.Context, id, key string, cost int64) error {
	return l.object.acquire(ctx, id, key, cost)
}
