//go:build cgo

package tenantry

import "context"

// Usage has what model calls of a project cost; see Tenant.Usage.
type Usage struct {
	object *nativeTenant
}

// Report prices one model call and writes down what it cost, once per usage id and 48 hours. A model the price book does
// not know costs 0 and is not priced.
func (u Usage) Report(ctx context.Context, report UsageReport) (UsageReceipt, error) {
	return u.object.reportUsage(ctx, report)
}

// Policies has the policies of a project and the layers above; see Tenant.Policies.
type Policies struct {
	object *nativeTenant
}

// Put attaches Cedar text under a name, replacing what was there. Bad text is refused and the old stays.
func (p Policies) Put(ctx context.Context, spec PolicySpec) (PolicyReceipt, error) {
	return p.object.putPolicy(ctx, spec)
}

// AttachPack attaches a pack of our own: baseline or strict.
func (p Policies) AttachPack(ctx context.Context, pack string) (PolicyReceipt, error) {
	return p.object.attachPack(ctx, pack)
}

// Remove detaches a policy; an empty layer means the project.
func (p Policies) Remove(ctx context.Context, name string, layer Layer) error {
	return p.object.removePolicy(ctx, name, layer)
}

// List is the policies in force here, all layers.
func (p Policies) List(ctx context.Context) ([]PolicySummary, error) {
	return p.object.listPolicies(ctx)
}

// Limits has the rate limits of a project and the layers above; see Tenant.Limits.
type Limits struct {
	object *nativeTenant
}

// Set sets a rate limit, replacing the one with the same id on the same layer.
func (l Limits) Set(ctx context.Context, spec LimitSpec) error {
	return l.object.setLimit(ctx, spec)
}

// Remove removes a rate limit; an empty layer means the project.
func (l Limits) Remove(ctx context.Context, id string, layer Layer) error {
	return l.object.removeLimit(ctx, id, layer)
}

// List is the limits in force here, all layers.
func (l Limits) List(ctx context.Context) ([]LimitSpec, error) {
	return l.object.listLimits(ctx)
}

// Acquire takes cost from a limit for work of the app's own; ErrRateLimited when there is not enough.
func (l Limits) Acquire(ctx context.Context, id, key string, cost int64) error {
	return l.object.acquire(ctx, id, key, cost)
}

// TenantSettings has what a project may tune; see Tenant.Settings.
type TenantSettings struct {
	object *nativeTenant
}

// Get is the settings in force.
func (s TenantSettings) Get(ctx context.Context) (Settings, error) {
	return s.object.getSettings(ctx)
}

// Update changes the given fields.
func (s TenantSettings) Update(ctx context.Context, patch SettingsPatch) (Settings, error) {
	return s.object.updateSettings(ctx, patch)
}

// Audit has the audit trail of a project; see Tenant.Audit.
type Audit struct {
	object *nativeTenant
}

// Query reads rows of this project's chain, oldest first unless the query says newest: at most its limit, and 8 MiB of text.
func (a Audit) Query(ctx context.Context, query AuditQuery) ([]AuditRecord, error) {
	return a.object.queryAudit(ctx, query)
}

// Verify recomputes the chain and compares it with the signed heads.
func (a Audit) Verify(ctx context.Context) (VerifyReport, error) {
	return a.object.verifyAudit(ctx, nil)
}

// VerifyAgainst is Verify, and also compares with a printed head that was kept elsewhere.
func (a Audit) VerifyAgainst(ctx context.Context, anchor string) (VerifyReport, error) {
	return a.object.verifyAudit(ctx, &anchor)
}

// Head is a freshly signed head: print it, keep it elsewhere, and give its text to VerifyAgainst later.
func (a Audit) Head(ctx context.Context) (AuditHead, error) {
	return a.object.auditHead(ctx)
}

// String is the head as one printable line, or empty for a head that did not come from Head or ParseAuditHead.
func (h AuditHead) String() string {
	text, err := nativePrintAuditHead(h)
	if err != nil {
		return ""
	}
	return text
}

// ParseAuditHead reads what AuditHead.String printed.
func ParseAuditHead(text string) (AuditHead, error) {
	return nativeParseAuditHead(text)
}
