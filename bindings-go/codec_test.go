package tenantry

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

func threadCount(t *testing.T) int {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip("threads are counted on Linux only")
	}
	return len(tasks)
}

// written is a response as the library would send it.
func written(t testing.TB) string {
	response := GuardResponse{
		Decision: DecisionModify, RequestID: "r", Signals: []Signal{{Category: "privacy", Severity: SeverityHigh}},
		DeterminingPolicies: []DeterminingPolicy{{RuleID: "x", Annotations: map[string]string{"a": "b"}, Tags: []string{}}},
		RedactedContent:     Ptr(""), RedactedArguments: map[string]any{"a": []any{nil, true}}, RetryAfterMs: Ptr(uint64(5)),
		SessionDelta: &SessionDelta{TurnCount: 1}, Detectors: []DetectorResult{}, DebugInfo: &DebugInfo{},
	}
	for index := range response.Detectors {
		response.Detectors[index].Context = map[string]any{}
	}
	var w writer
	response.write(&w)
	ok(t, w.err)
	return string(w.bytes)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	text := written(t)
	r := &reader{data: text}
	var response GuardResponse
	response.read(r)
	ok(t, r.end())
	same(t, *response.RedactedContent, "")
	same(t, response.DeterminingPolicies[0].Annotations["a"], "b")
	same(t, response.DeterminingPolicies[0].Tags != nil && len(response.DeterminingPolicies[0].Tags) == 0, true)
	same(t, response.Degraded == nil, true)
	var w writer
	response.write(&w)
	same(t, string(w.bytes) == text, true)
}

func TestAnswersThatAreWrongAreErrors(t *testing.T) {
	text := written(t)
	for length := range len(text) {
		r := &reader{data: text[:length]}
		var response GuardResponse
		response.read(r)
		if err := r.end(); !errors.Is(err, ErrInternal) {
			t.Fatalf("%d of %d bytes are read without an error: %v", length, len(text), err)
		}
	}
	for _, data := range []string{text + "x", strings.Repeat("\xff", 100), strings.Repeat("\x7f", 100)} {
		r := &reader{data: data}
		var response GuardResponse
		response.read(r)
		same(t, errors.Is(r.end(), ErrInternal), true)
	}
	r := &reader{data: "\x00\x00\x00\x02"}
	r.variant(1)
	same(t, errors.Is(r.end(), ErrInternal), true)
}

func TestACountIsHeldAgainstTheBytesThatAreThere(t *testing.T) {
	for _, least := range []int{1, 8, 50} {
		r := &reader{data: "\x7f\xff\xff\xff" + strings.Repeat("x", 100)}
		same(t, r.count(least), 0)
		same(t, errors.Is(r.end(), ErrInternal), true)
		r = &reader{data: "\x00\x00\x00\x02" + strings.Repeat("x", 2*least)}
		same(t, r.count(least), 2)
	}
}

// FuzzReader: whatever the bytes, reading ends with a value or an error, and a value writes back as the same bytes.
func FuzzReader(f *testing.F) {
	text := written(f)
	f.Add([]byte(text))
	f.Add([]byte{})
	f.Add([]byte("\x7f\xff\xff\xff"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte(text[:len(text)/2]))
	f.Add(bytes.Repeat([]byte{1}, 300))
	f.Add(bytes.Repeat([]byte{0}, 300))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reader{data: string(data)}
		var response GuardResponse
		response.read(r)
		if r.end() != nil {
			return
		}
		var w writer
		response.write(&w)
		if w.err != nil {
			t.Fatalf("read and cannot be written: %v", w.err)
		}
		again := &reader{data: string(w.bytes)}
		response.read(again)
		ok(t, again.end())
	})
}
