package tenantry

// Reading and writing of single values, as uniffi lays them out: big-endian, text and lists after an int32 count.
// Generated code (codec_gen.go) puts them together.

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"
)

// writer collects an argument. The first thing that cannot be sent stays in err, and nothing is sent.
type writer struct {
	bytes []byte
	err   error
}

func (w *writer) fail(code, message string) {
	if w.err == nil {
		w.err = invalid(code, message)
	}
}

func (w *writer) flag(value bool) {
	w.bytes = append(w.bytes, byte(oneIf(value)))
}

// given writes whether a value follows.
func (w *writer) given(value bool) bool {
	w.flag(value)
	return value
}

func (w *writer) signed(value int64) {
	w.unsigned(uint64(value))
}

func (w *writer) unsigned(value uint64) {
	w.bytes = binary.BigEndian.AppendUint64(w.bytes, value)
}

func (w *writer) float(value float64) {
	w.unsigned(math.Float64bits(value))
}

func (w *writer) count(count int) {
	if count > math.MaxInt32 {
		w.fail("request_invalid", "a value is too large")
		count = 0
	}
	w.bytes = binary.BigEndian.AppendUint32(w.bytes, uint32(count))
}

func (w *writer) text(text string) {
	w.count(len(text))
	w.bareText(text)
}

// bareText writes text without its length: what an argument that is nothing but text looks like. Rust trusts it to be
// UTF-8, so nothing else may pass here.
func (w *writer) bareText(text string) {
	if !utf8.ValidString(text) {
		w.fail("text_not_utf8", "a text is not UTF-8")
		return
	}
	if len(text) > math.MaxInt32-len(w.bytes) {
		w.fail("request_invalid", "a value is too large")
		return
	}
	w.bytes = append(w.bytes, text...)
}

func (w *writer) texts(texts map[string]string) {
	w.count(len(texts))
	for key, value := range texts {
		w.text(key)
		w.text(value)
	}
}

func (w *writer) json(fields map[string]any) {
	w.text(w.encoded(fields))
}

func (w *writer) bareJSON(fields map[string]any) {
	w.bareText(w.encoded(fields))
}

func (w *writer) encoded(fields map[string]any) string {
	if fields == nil {
		return "{}"
	}
	text, err := encoded("metadata or arguments", fields)
	if err != nil && w.err == nil {
		w.err = err
	}
	return text
}

// encoded is a value as JSON. What cannot be said in it is refused; `what` names the value in errors.
func encoded(what string, value any) (string, error) {
	if err := walk(what, reflect.ValueOf(value), 0); err != nil {
		return "", err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		var own *Error
		if errors.As(err, &own) {
			return "", own
		}
		// NaN, infinity, a cycle, a channel: the encoder's words may hold content.
		return "", invalid("request_invalid", what+" cannot be written as JSON")
	}
	text := out.String()
	if hasInvalidText(text) {
		return "", invalid("text_not_utf8", "a text in "+what+" is not UTF-8")
	}
	return text, nil
}

func invalid(code, message string) *Error {
	return &Error{Kind: KindInvalidArgument, Code: code, Message: message}
}

// Deeper than this nothing is handed to encoding/json, which recurses: the core refuses far less.
const deepest = 1000

// walk refuses what encoding/json would write as something else, so that what is inspected is what was given: bytes,
// which it writes as base64, and text that is not UTF-8, which it repairs.
func walk(what string, value reflect.Value, level int) error {
	if level > deepest {
		return invalid("request_too_deep", "values in "+what+" are nested too deeply, or hold themselves")
	}
	if !value.IsValid() || marshals(value) {
		return nil
	}
	switch value.Kind() {
	case reflect.String:
		if !utf8.ValidString(value.String()) {
			return invalid("text_not_utf8", "a text in "+what+" is not UTF-8")
		}
	case reflect.Interface, reflect.Pointer:
		return walk(what, value.Elem(), level+1)
	case reflect.Map:
		for entries := value.MapRange(); entries.Next(); {
			if err := walk(what, entries.Key(), level+1); err != nil {
				return err
			}
			if err := walk(what, entries.Value(), level+1); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 && value.Kind() == reflect.Slice {
			return invalid("request_invalid", "bytes in "+what+" would not be inspected as text: give a string")
		}
		for at := range value.Len() {
			if err := walk(what, value.Index(at), level+1); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for at := range value.NumField() {
			if value.Type().Field(at).IsExported() {
				if err := walk(what, value.Field(at), level+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// marshals tells whether a value writes itself; what it writes is read by the core like everything else.
func marshals(value reflect.Value) bool {
	if !value.CanInterface() {
		return false
	}
	switch value.Interface().(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return true
	}
	return false
}

// hasInvalidText finds the escape that encoding/json writes in place of bytes that are not UTF-8. It writes a real U+FFFD
// as itself.
func hasInvalidText(text string) bool {
	for at := 0; ; {
		found := strings.Index(text[at:], `\ufffd`)
		if found < 0 {
			return false
		}
		at += found
		// An even number of backslashes before it are pairs that stand for themselves.
		before := len(text[:at]) - len(strings.TrimRight(text[:at], `\`))
		if before%2 == 0 {
			return true
		}
		at++
	}
}

// reader takes an answer apart. Whatever the bytes are, it neither panics nor allocates more than they justify; the first
// thing that is wrong stays in err, and everything after reads as zero.
type reader struct {
	data string
	err  error
}

func (r *reader) fail(message string) {
	if r.err == nil {
		r.err = defect(message)
	}
	r.data = ""
}

func (r *reader) next(count int) string {
	if count < 0 || count > len(r.data) {
		r.fail("an answer ended early")
		return ""
	}
	next := r.data[:count]
	r.data = r.data[count:]
	return next
}

func (r *reader) flag() bool {
	switch r.next(1) {
	case "\x01":
		return true
	case "\x00", "":
		return false
	}
	r.fail("an answer has a flag that is neither set nor unset")
	return false
}

// given reads whether a value follows.
func (r *reader) given() bool {
	return r.flag()
}

func (r *reader) signed() int64 {
	return int64(r.unsigned())
}

func (r *reader) unsigned() uint64 {
	var number uint64
	for _, digit := range []byte(r.next(8)) {
		number = number<<8 | uint64(digit)
	}
	return number
}

func (r *reader) float() float64 {
	return math.Float64frombits(r.unsigned())
}

func (r *reader) int32() int32 {
	var number uint32
	for _, digit := range []byte(r.next(4)) {
		number = number<<8 | uint32(digit)
	}
	return int32(number)
}

// count reads how many values of at least so many bytes each follow.
func (r *reader) count(least int) int {
	count := int(r.int32())
	if count < 0 || count > len(r.data)/least {
		r.fail("an answer counts more than it holds")
		return 0
	}
	return count
}

// variant reads which variant of an enum follows; there is only one.
func (r *reader) variant(only int32) {
	if r.int32() != only {
		r.fail("an answer has an unknown variant")
	}
}

func (r *reader) text() string {
	text := r.next(r.count(1))
	if !utf8.ValidString(text) {
		r.fail("an answer has text that is not UTF-8")
		return ""
	}
	return text
}

func (r *reader) texts() map[string]string {
	count := r.count(8)
	texts := make(map[string]string, count)
	for range count {
		key := r.text()
		texts[key] = r.text()
	}
	return texts
}

func (r *reader) json() map[string]any {
	text := r.text()
	if r.err != nil {
		return nil
	}
	fields, err := readJSON(text)
	if err != nil {
		r.fail("an answer has JSON that cannot be read")
	}
	return fields
}

// readJSON reads an object; its numbers are json.Number, exactly as they were written.
func readJSON(text string) (map[string]any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		return nil, defect("an answer has JSON that cannot be read")
	}
	return fields, nil
}

// writeBeside is a struct as JSON, with further fields beside its own.
func writeBeside(own any, others map[string]any) ([]byte, error) {
	text, err := json.Marshal(own)
	if err != nil {
		return nil, err
	}
	fields, err := readJSON(string(text))
	if err != nil {
		return nil, err
	}
	all := maps.Clone(others)
	if all == nil {
		all = fields
	}
	maps.Copy(all, fields)
	return json.Marshal(all)
}

// readBeside reads a struct, and gives the fields that are not its own.
func readBeside(text []byte, own any, known ...string) (map[string]any, error) {
	if err := json.Unmarshal(text, own); err != nil {
		return nil, err
	}
	others, err := readJSON(string(text))
	for _, name := range known {
		delete(others, name)
	}
	return others, err
}

// since is where a query starts: a text, a sequence, or neither.
func since(text *string, sequence *int64) (any, error) {
	switch {
	case text != nil && sequence != nil:
		return nil, invalid("since_invalid", "`since` and `after` exclude each other")
	case text != nil:
		return *text, nil
	case sequence != nil:
		return *sequence, nil
	}
	return nil, nil
}

// end is the error of the whole answer; bytes that are left over are one.
func (r *reader) end() error {
	if r.err == nil && r.data != "" {
		r.fail("an answer is longer than what it says")
	}
	return r.err
}

func oneIf(value bool) int8 {
	if value {
		return 1
	}
	return 0
}

// Ptr is a pointer to a value, for optional fields: tenantry.Ptr(true).
func Ptr[T any](value T) *T {
	return &value
}
