//go:build cgo

package tenantry

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
)

// How operations of the table cross: JSON to one native call, and JSON back. Methods and types of all of them are generated
// (operations_gen.go, records_gen.go).

// operator is a client or a tenant, which are asked alike.
type operator interface {
	do(ctx context.Context, operation string, levels []string, input string) (string, error)
}

func (o *nativeTenantry) do(ctx context.Context, operation string, levels []string, input string) (string, error) {
	return o.operate(ctx, operation, levels, input)
}

// do needs no levels: a tenant's handles are about its own project.
func (o *nativeTenant) do(ctx context.Context, operation string, _ []string, input string) (string, error) {
	return o.operate(ctx, operation, input)
}

// do asks for an operation that answers nothing.
func do(ctx context.Context, at operator, operation string, levels []string, input any) error {
	_, err := ask(ctx, at, operation, levels, input)
	return err
}

// operate asks for an operation and reads its answer. Fields it does not know are passed over.
func operate[T any](ctx context.Context, at operator, operation string, levels []string, input any) (answer T, err error) {
	text, err := ask(ctx, at, operation, levels, input)
	if err == nil {
		err = readAnswer(text, &answer)
	}
	return
}

func ask(ctx context.Context, at operator, operation string, levels []string, input any) (string, error) {
	if input == nil {
		return at.do(ctx, operation, levels, "{}")
	}
	text, err := encoded("the input", input)
	if err != nil {
		return "", err
	}
	return at.do(ctx, operation, levels, text)
}

// readAnswer reads what the core wrote; numbers of free JSON are json.Number.
func readAnswer(text string, answer any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(answer); err != nil {
		return defect("an answer has JSON that cannot be read")
	}
	return nil
}

// Page is one page of a list.
type Page[T any] struct {
	// Items are what is on it.
	Items []T `json:"items"`
	// Next is where the next page goes on; empty on the last one.
	Next string `json:"next,omitzero"`
}

// Len is how many items are on the page.
func (p Page[T]) Len() int {
	return len(p.Items)
}

// All goes over the items of the page, with their places from 0.
func (p Page[T]) All() iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for at, item := range p.Items {
			if !yield(at, item) {
				return
			}
		}
	}
}
