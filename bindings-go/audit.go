//go:build cgo

package tenantry

import "context"

// VerifyAgainst is Verify, and also compares with a printed head that was kept elsewhere.
func (a Audit) VerifyAgainst(ctx context.Context, anchor string) (VerifyReport, error) {
	return operate[VerifyReport](ctx, a.object, "audit.verify", nil, auditAnchor{&anchor})
}

// String is the head as one printable line, or empty for a head that did not come from Head or ParseAuditHead.
func (h AuditHead) String() string {
	text, err := encoded("the head", h)
	if err != nil {
		return ""
	}
	line, err := nativePrintAuditHead(text)
	if err != nil {
		return ""
	}
	return line
}

// ParseAuditHead reads what AuditHead.String printed.
func ParseAuditHead(text string) (head AuditHead, err error) {
	written, err := nativeParseAuditHead(text)
	if err == nil {
		err = readAnswer(written, &head)
	}
	return
}
