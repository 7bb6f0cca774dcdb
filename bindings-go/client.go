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

// Admin has the operations on accounts, projects and grants. They need platform authority at each call.
func (c *Client) Admin() Admin {
	return Admin{c.object}
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

// Admin has the operations on accounts, projects and grants.
type Admin struct {
	object *nativeTenantry
}

// Accounts are customer organisations.
func (a Admin) Accounts() Accounts {
	return Accounts(a)
}

// Projects are workspaces of an account.
func (a Admin) Projects() Projects {
	return Projects(a)
}

// Grants let principals of one tenant act in another.
func (a Admin) Grants() Grants {
	return Grants(a)
}

// Accounts has the operations on customer organisations; see Client.Admin.
type Accounts struct {
	object *nativeTenantry
}

// Create creates an account. ErrConflict when an id that differs at most in case exists.
func (a Accounts) Create(ctx context.Context, id string, facts TenantFacts) (Account, error) {
	return a.object.createAccount(ctx, id, facts)
}

// Ensure gives the account of this id, and creates it where there is none. What exists stays as it is; ErrConflict
// (facts_differ) when a fact that is given differs from what it has.
func (a Accounts) Ensure(ctx context.Context, id string, facts TenantFacts) (Account, error) {
	return a.object.ensureAccount(ctx, id, facts)
}

// Get is one account.
func (a Accounts) Get(ctx context.Context, id string) (Account, error) {
	return a.object.getAccount(ctx, id)
}

// List is all accounts, by id.
func (a Accounts) List(ctx context.Context) ([]Account, error) {
	return a.object.listAccounts(ctx)
}

// Suspend suspends an account: every call in it is denied until it is resumed.
func (a Accounts) Suspend(ctx context.Context, id string) (Account, error) {
	return a.object.setAccountStatus(ctx, id, StatusSuspended)
}

// Resume ends a suspension.
func (a Accounts) Resume(ctx context.Context, id string) (Account, error) {
	return a.object.setAccountStatus(ctx, id, StatusActive)
}

// Delete deletes an account and its projects. The name may be used again, with nothing of the old one in it.
func (a Accounts) Delete(ctx context.Context, id string) error {
	return a.object.deleteAccount(ctx, id)
}

// Projects has the operations on the projects of accounts; see Client.Admin.
type Projects struct {
	object *nativeTenantry
}

// Create creates a project in an account, with the baseline permits, floor enforce and audit standard.
func (p Projects) Create(ctx context.Context, account, id string, facts TenantFacts) (Project, error) {
	return p.object.createProject(ctx, account, id, facts)
}

// Ensure gives the project of this id, and creates it where there is none. The account has to exist. What exists stays as
// it is; ErrConflict (facts_differ) when a fact that is given differs from what it has.
func (p Projects) Ensure(ctx context.Context, account, id string, facts TenantFacts) (Project, error) {
	return p.object.ensureProject(ctx, account, id, facts)
}

// Get is one project.
func (p Projects) Get(ctx context.Context, account, id string) (Project, error) {
	return p.object.getProject(ctx, account, id)
}

// List is the projects of an account, by id.
func (p Projects) List(ctx context.Context, account string) ([]Project, error) {
	return p.object.listProjects(ctx, account)
}

// Suspend suspends a project: every call in it is denied until it is resumed.
func (p Projects) Suspend(ctx context.Context, account, id string) (Project, error) {
	return p.object.setProjectStatus(ctx, account, id, StatusSuspended)
}

// Resume ends a suspension.
func (p Projects) Resume(ctx context.Context, account, id string) (Project, error) {
	return p.object.setProjectStatus(ctx, account, id, StatusActive)
}

// Delete deletes a project. The name may be used again, with nothing of the old one in it.
func (p Projects) Delete(ctx context.Context, account, id string) error {
	return p.object.deleteProject(ctx, account, id)
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
	return &Tenant{object: object, account: about.AccountID, project: about.ProjectID, caller: about.Caller}, nil
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
	return tenant(t.object.actingAs(principal))
}

// Guard has the guard calls.
func (t *Tenant) Guard() Guard {
	return Guard{t.object}
}

// Usage has what model calls cost.
func (t *Tenant) Usage() Usage {
	return Usage{t.object}
}

// Policies has the policies of this project and the layers above.
func (t *Tenant) Policies() Policies {
	return Policies{t.object}
}

// Limits has the rate limits of this project and the layers above.
func (t *Tenant) Limits() Limits {
	return Limits{t.object}
}

// Settings has what this project may tune.
func (t *Tenant) Settings() TenantSettings {
	return TenantSettings{t.object}
}

// Audit has the audit trail of this project.
func (t *Tenant) Audit() Audit {
	return Audit{t.object}
}
