package tenantry

import (
	"encoding/json"
	"errors"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	plainText    = "What is the capital of France?"
	mailText     = "write to ada@example.com today"
	redactedText = "write to [EMAIL] today"
	secretText   = "deploy with AKIAIOSFODNN7EXAMPLE please"
)

type words string

type masked string

func (masked) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

type note struct {
	Title  string  `json:"title,omitempty"`
	Body   *string `json:"body"`
	Hidden string  `json:"-"`
	Inner  []note  `json:"inner,omitempty"`
	Count  int
	note   int
}

type embedding struct {
	note
	Extra string
}

type id [16]byte

func (one id) MarshalText() ([]byte, error)     { return []byte("id-" + string(one[:1])), nil }
func (one *id) UnmarshalText(text []byte) error { copy(one[:], text[3:]); return nil }

// carriedKinds makes a value of every kind that can be rewritten of a text.
var carriedKinds = map[string]func(string) any{
	"string":                   func(text string) any { return text },
	"named string":             func(text string) any { return words(text) },
	"masked string":            func(text string) any { return masked(text) },
	"pointer":                  func(text string) any { return &text },
	"pointer twice":            func(text string) any { one := &text; return &one },
	"bytes":                    func(text string) any { return []byte(text) },
	"raw JSON":                 func(text string) any { return json.RawMessage(`{"a":"` + text + `"}`) },
	"strings":                  func(text string) any { return []string{text, "a"} },
	"array":                    func(text string) any { return [2]string{text, "a"} },
	"anything":                 func(text string) any { return []any{text, 1, nil, 2.5, true} },
	"map":                      func(text string) any { return map[string]any{"a": map[string]string{"b": text}} },
	"map by numbers":           func(text string) any { return map[int]string{5: text, 6: "a"} },
	"map by words":             func(text string) any { return map[words][]byte{"a": []byte(text)} },
	"struct":                   func(text string) any { return note{Title: text, Body: &text, Count: 5} },
	"field not in JSON":        func(text string) any { return note{Hidden: text} },
	"pointer to struct":        func(text string) any { return &note{Inner: []note{{Title: text}, {Body: &text}}} },
	"structs":                  func(text string) any { return map[string]*note{"a": {Title: text}, "b": nil} },
	"exported beside embedded": func(text string) any { return embedding{Extra: text} },
}

func TestWhatIsRewrittenComesBackInItsType(t *testing.T) {
	_, acme := open(t)
	_, err := acme.Policies().AttachPack(ctx, "strict")
	ok(t, err)
	shield, strict := NewShield(acme, ShieldOptions{Mode: ModeModify}), NewShield(acme, ShieldOptions{})
	for kind, made := range carriedKinds {
		for given, expected := range map[string]string{plainText: plainText, mailText: redactedText} {
			arguments := map[string]any{"value": made(given), "kept": note{Title: "same"}}
			passed, err := shield.ToolCall(ctx, "search", arguments)
			ok(t, err)
			if want := made(expected); !reflect.DeepEqual(passed["value"], want) {
				t.Errorf("%s: got %#v, want %#v", kind, passed["value"], want)
			}
			same(t, passed["kept"].(note).Title, "same")
			if !reflect.DeepEqual(arguments["value"], made(given)) {
				t.Errorf("%s: the caller's own was changed", kind)
			}
		}
		var blocked *BlockedError
		_, err := strict.ToolCall(ctx, "search", map[string]any{"value": made(secretText)})
		if !errors.As(err, &blocked) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestWhatItsTextTellsStaysItself(t *testing.T) {
	_, acme := open(t)
	shield := NewShield(acme, ShieldOptions{Mode: ModeModify})
	link, err := url.Parse("https://example.org/a?b=c")
	ok(t, err)
	one := 5
	for _, value := range []any{
		nil, true, 5, int8(-5), uint64(1 << 63), 1.5, float32(0.5), 1i, time.Duration(5), json.Number("1.0"),
		time.Date(2026, 11, 29, 9, 38, 0, 5, time.UTC), new(time.Time), big.NewInt(5), *new(big.Int).Lsh(big.NewInt(1), 70),
		link, *link, id{'a'}, &one, (*int)(nil), (*note)(nil), []string(nil), map[string]int(nil), (chan int)(nil), struct{}{},
		note{note: 7, Count: 1}, errors.New("plain"), [3]int{1, 2, 3}, []byte{},
	} {
		arguments := map[string]any{"value": value, "list": []any{value}, "text": mailText}
		passed, err := shield.ToolCall(ctx, "search", arguments)
		ok(t, err)
		same(t, passed["text"].(string), redactedText)
		if !reflect.DeepEqual(passed["value"], value) || !reflect.DeepEqual(passed["list"], []any{value}) {
			t.Errorf("got %#v, want %#v", passed["value"], value)
		}
	}
}

func TestWhatCannotBeReadIsRefusedByName(t *testing.T) {
	_, acme := open(t)
	shield := NewShield(acme, ShieldOptions{})
	text := secretText
	for kind, value := range map[string]any{
		"channel":             make(chan string),
		"function":            func() string { return text },
		"bytes of no text":    []byte{0xff, 0xfe},
		"bytes of UTF-16":     []byte("A\x00K\x00"),
		"array of bytes":      [2]byte{0xff, 0xfe},
		"struct of functions": struct{ run func() }{func() {}},
		"key of a map":        map[[1]string]int{{text}: 1},
		"two keys":            map[any]int{1: 1, "1": 2},
	} {
		for _, wrapped := range []any{value, []any{value}, map[string]any{"a": &value}, struct{ Value any }{value}} {
			_, err := shield.ToolCall(ctx, "search", map[string]any{"query": "a", "filters": wrapped})
			fails(t, err, ErrInvalidArgument, "shield_unsupported")
			if !strings.Contains(err.Error(), "`filters` of `search`") || strings.Contains(err.Error(), "AKIA") {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
	_, err := shield.ToolCall(ctx, "search", map[string]any{"a": "\xff"})
	fails(t, err, ErrInvalidArgument, "text_not_utf8")
}

func TestWhatCannotBeRewrittenIsNotPassedOn(t *testing.T) {
	_, acme := open(t)
	shield := NewShield(acme, ShieldOptions{Mode: ModeModify})
	for kind, value := range map[string]any{
		"number":           4111111111111111,
		"key":              map[string]int{mailText: 1},
		"unexported field": struct{ text string }{mailText},
		"deep":             []any{&struct{ text *string }{Ptr(mailText)}},
		"network":          netip.MustParseAddr("192.0.2.1"),
		"embedded":         struct{ inner embedding }{embedding{Extra: mailText}},
	} {
		passed, err := shield.ToolCall(ctx, "search", map[string]any{"value": value})
		var blocked *BlockedError
		if !errors.As(err, &blocked) && !errors.Is(err, ErrInvalidArgument) {
			t.Errorf("%s: %v %v", kind, passed, err)
		}
	}
}

func TestWhatHoldsItselfOrIsEndlessEnds(t *testing.T) {
	_, acme := open(t)
	shield := NewShield(acme, ShieldOptions{})
	circle := map[string]any{}
	circle["a"] = circle
	var wide any = "a"
	for range 60 {
		wide = []any{wide, wide}
	}
	type link struct{ Next *link }
	ring := &link{}
	ring.Next = ring
	var pointer any
	pointer = &pointer
	var deep any = secretText
	for range 50 {
		held := deep
		deep = map[string]any{"a": []any{&held}}
	}
	for _, value := range []any{circle, wide, ring, pointer, deep} {
		_, err := shield.ToolCall(ctx, "search", map[string]any{"value": value})
		if !errors.Is(err, ErrInvalidArgument) {
			t.Errorf("%v", err)
		}
	}
}

func TestMergedKeepsWhatDidNotChange(t *testing.T) {
	type level int
	original := map[string]any{"a": level(1), "b": "secret", "c": map[string]any{"d": level(2), "e": "secret"}}
	redacted, err := readJSON(`{"a":1,"b":"[x]","c":{"d":2,"e":"[x]"}}`)
	ok(t, err)
	_, passed, err := carry("t", original)
	ok(t, err)
	got, err := passed(redacted)
	ok(t, err)
	want := map[string]any{"a": level(1), "b": "[x]", "c": map[string]any{"d": level(2), "e": "[x]"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%#v", got)
	}
	if _, err = passed(map[string]any{"a": json.Number("1")}); err == nil {
		t.Error("what is missing was passed on")
	}
}
