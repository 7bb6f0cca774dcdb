// Package linux_amd64 holds the static library. It is imported for one reason: go mod vendor copies the folders of
// imported packages only.
package linux_amd64
