//go:build cgo

package tenantry

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a tool is called with, as the plain data that is judged, and back in the types it came in. Nothing is passed on
// unread: what cannot be read is refused.

// Most values that are read; one that is reached twice counts twice.
const mostValues = 1_000_000

var (
	errTooMany = &Error{
		Kind: KindInvalidArgument, Code: "content_too_large",
		Message: fmt.Sprintf("arguments hold more than %d values", mostValues),
	}
	errTooDeep = &Error{
		Kind: KindInvalidArgument, Code: "request_too_deep",
		Message: "arguments are nested too deeply, or hold themselves",
	}
	errNotText = &Error{
		Kind: KindInvalidArgument, Code: "text_not_utf8", Message: "a text in arguments is not UTF-8",
	}
	errStands = errors.New("what was found in it cannot be rewritten there")
)

// carried is a value as it is judged, and what it becomes when that has become something else. Without passed it cannot.
type carried struct {
	judged any
	passed func(after any) (reflect.Value, error)
}

// carrying reads the arguments of one call.
type carrying struct {
	values int
}

// carry reads the arguments of a tool by name. What it gives back makes them anew of what was judged; values that are the
// same as before are those that were given.
func carry(tool string, arguments map[string]any) (map[string]any, func(map[string]any) (map[string]any, error), error) {
	if arguments == nil {
		return nil, func(map[string]any) (map[string]any, error) { return nil, nil }, nil
	}
	c := &carrying{}
	judged, parts := make(map[string]any, len(arguments)), make(map[string]carried, len(arguments))
	for name, value := range arguments {
		part, err := c.read(reflect.ValueOf(value), deepest)
		if err != nil {
			return nil, nil, unguarded(tool, name, err)
		}
		judged[name], parts[name] = part.judged, part
	}
	return judged, func(after map[string]any) (map[string]any, error) {
		passed := make(map[string]any, len(parts))
		for name, part := range parts {
			passed[name] = arguments[name]
			if unchanged(part.judged, after[name]) {
				continue
			}
			value, err := part.become(after[name])
			if err != nil {
				return nil, unguarded(tool, name, err)
			}
			passed[name] = value.Interface()
		}
		return passed, nil
	}, nil
}

// unguarded names the argument that an error is about.
func unguarded(tool, argument string, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	help := "guard strings, numbers, times, bytes that are UTF-8, and slices, maps, structs and pointers of them"
	if errors.Is(err, errStands) {
		help = "give it as a string, which can be rewritten"
	}
	return &Error{
		Kind: KindInvalidArgument, Code: "shield_unsupported", Help: help,
		Message: fmt.Sprintf("argument `%s` of `%s`: %v", argument, tool, err),
	}
}

func (p carried) become(after any) (reflect.Value, error) {
	if p.passed == nil {
		return reflect.Value{}, errStands
	}
	return p.passed(after)
}

// unchanged compares what was judged with what the core wrote of it. Numbers are never rewritten.
func unchanged(before, after any) bool {
	switch before := before.(type) {
	case nil:
		return after == nil
	case string:
		text, is := after.(string)
		return is && text == before
	case bool:
		return before == after
	case []any:
		list, is := after.([]any)
		if !is || len(list) != len(before) {
			return false
		}
		for at := range before {
			if !unchanged(before[at], list[at]) {
				return false
			}
		}
		return true
	case map[string]any:
		fields, is := after.(map[string]any)
		if !is || len(fields) != len(before) {
			return false
		}
		for name := range before {
			if found, is := fields[name]; !is || !unchanged(before[name], found) {
				return false
			}
		}
		return true
	}
	_, number := after.(json.Number)
	return number
}

func (c *carrying) read(value reflect.Value, levels int) (carried, error) {
	if c.values++; c.values > mostValues {
		return carried{}, errTooMany
	}
	if levels == 0 {
		return carried{}, errTooDeep
	}
	if !value.IsValid() {
		return carried{}, nil
	}
	switch value.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		if value.IsNil() {
			return carried{}, nil
		}
		return carried{}, unreadable(value)
	case reflect.Interface, reflect.Pointer:
		return c.pointer(value, levels-1)
	case reflect.Slice, reflect.Map:
		if value.IsNil() {
			return carried{}, nil
		}
	}
	if part, is, err := c.special(value); is || err != nil {
		return part, err
	}
	switch value.Kind() {
	case reflect.String:
		return text(value, value.String(), func(after string) (reflect.Value, error) {
			made := reflect.New(value.Type()).Elem()
			made.SetString(after)
			return made, nil
		})
	case reflect.Bool:
		return carried{judged: value.Bool()}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return carried{judged: json.Number(strconv.FormatInt(value.Int(), 10))}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return carried{judged: json.Number(strconv.FormatUint(value.Uint(), 10))}, nil
	case reflect.Float32, reflect.Float64:
		number := value.Float()
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return text(value, strconv.FormatFloat(number, 'g', -1, 64), nil)
		}
		return carried{judged: number}, nil
	case reflect.Complex64, reflect.Complex128:
		return text(value, strconv.FormatComplex(value.Complex(), 'g', -1, 128), nil)
	case reflect.Slice, reflect.Array:
		return c.list(value, levels-1)
	case reflect.Map:
		return c.table(value, levels-1)
	case reflect.Struct:
		return c.fields(value, levels-1)
	}
	return carried{}, unreadable(value)
}

func unreadable(value reflect.Value) error {
	return fmt.Errorf("a value of type `%s` cannot be guarded", value.Type())
}

func text(value reflect.Value, content string, made func(string) (reflect.Value, error)) (carried, error) {
	if !utf8.ValidString(content) {
		return carried{}, errNotText
	}
	return carried{judged: content, passed: func(after any) (reflect.Value, error) {
		text, is := after.(string)
		if !is || made == nil {
			return reflect.Value{}, errStands
		}
		return made(text)
	}}, nil
}

func (c *carrying) pointer(value reflect.Value, levels int) (carried, error) {
	if value.IsNil() {
		return carried{}, nil
	}
	part, err := c.read(value.Elem(), levels)
	if err != nil || value.Kind() == reflect.Interface {
		return part, err
	}
	return carried{judged: part.judged, passed: func(after any) (reflect.Value, error) {
		held, err := part.become(after)
		if err != nil {
			return held, err
		}
		made := reflect.New(value.Type().Elem())
		made.Elem().Set(held)
		return made.Convert(value.Type()), nil
	}}, nil
}

// special reads what is not what its kind says: bytes, which are text, and what writes itself because nobody else can.
func (c *carrying) special(value reflect.Value) (carried, bool, error) {
	kind := value.Type()
	if kind == reflect.TypeFor[json.RawMessage]() || kind == reflect.TypeFor[json.Number]() {
		written := value.String()
		if kind.Kind() == reflect.Slice {
			written = string(value.Bytes())
		}
		part, err := fromJSON(value, []byte(written))
		return part, err == nil, nil
	}
	if kind == reflect.TypeFor[url.URL]() && value.CanInterface() {
		link := value.Interface().(url.URL)
		part, err := text(value, link.String(), func(after string) (reflect.Value, error) {
			made, err := url.Parse(after)
			if err != nil {
				return reflect.Value{}, errStands
			}
			return reflect.ValueOf(*made), nil
		})
		return part, true, err
	}
	if writesItself(kind) && value.CanInterface() {
		// Its methods may be those of a pointer to it.
		own := reflect.New(kind)
		own.Elem().Set(value)
		written, err := json.Marshal(own.Interface())
		if err != nil {
			return carried{}, true, unreadable(value)
		}
		part, err := fromJSON(value, written)
		if err != nil {
			return carried{}, true, unreadable(value)
		}
		return part, true, nil
	}
	isList := value.Kind() == reflect.Slice || value.Kind() == reflect.Array
	if isList && kind.Elem().Kind() == reflect.Uint8 {
		content := make([]byte, value.Len())
		for at := range content {
			content[at] = byte(value.Index(at).Uint())
		}
		if !utf8.Valid(content) || strings.Contains(string(content), "\x00") {
			return carried{}, true, fmt.Errorf("bytes that are no UTF-8 text cannot be guarded (`%s`)", kind)
		}
		part, err := text(value, string(content), func(after string) (reflect.Value, error) {
			if value.Kind() == reflect.Array {
				return reflect.Value{}, errStands
			}
			return reflect.ValueOf([]byte(after)).Convert(kind), nil
		})
		return part, true, err
	}
	return carried{}, false, nil
}

// writesItself tells whether a value can say in JSON what cannot be read of it: a time, a large number, a UUID. What has a
// text, a list or fields to be read is read, whatever it would write.
func writesItself(kind reflect.Type) bool {
	switch kind.Kind() {
	case reflect.Struct:
		for at := range kind.NumField() {
			if kind.Field(at).IsExported() {
				return false
			}
		}
	case reflect.Array:
	default:
		return false
	}
	pointer := reflect.PointerTo(kind)
	return pointer.Implements(reflect.TypeFor[json.Marshaler]()) || pointer.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// fromJSON is a value that is judged as the JSON it writes, and made of JSON again.
func fromJSON(value reflect.Value, written []byte) (carried, error) {
	fields, err := readJSON(`{"value":` + string(written) + `}`)
	if err != nil || len(fields) != 1 {
		return carried{}, unreadable(value)
	}
	return carried{judged: fields["value"], passed: func(after any) (reflect.Value, error) {
		made := reflect.New(value.Type())
		text, err := json.Marshal(after)
		if err == nil {
			err = json.Unmarshal(text, made.Interface())
		}
		if err != nil {
			return reflect.Value{}, errStands
		}
		return made.Elem(), nil
	}}, nil
}

func (c *carrying) list(value reflect.Value, levels int) (carried, error) {
	judged, parts := make([]any, value.Len()), make([]carried, value.Len())
	for at := range parts {
		part, err := c.read(value.Index(at), levels)
		if err != nil {
			return carried{}, err
		}
		judged[at], parts[at] = part.judged, part
	}
	return carried{judged: judged, passed: func(after any) (reflect.Value, error) {
		list, is := after.([]any)
		if !is || len(list) != len(parts) {
			return reflect.Value{}, errStands
		}
		made := reflect.New(value.Type()).Elem()
		if value.Kind() == reflect.Slice {
			made.Set(reflect.MakeSlice(value.Type(), len(parts), len(parts)))
		}
		for at, part := range parts {
			if err := set(made.Index(at), value.Index(at), part, list[at]); err != nil {
				return made, err
			}
		}
		return made, nil
	}}, nil
}

// set gives a place what stood there before, or what that has become.
func set(place, before reflect.Value, part carried, after any) error {
	if unchanged(part.judged, after) {
		if !before.CanInterface() {
			return errStands
		}
		place.Set(before)
		return nil
	}
	value, err := part.become(after)
	if err == nil {
		place.Set(value)
	}
	return err
}

func (c *carrying) table(value reflect.Value, levels int) (carried, error) {
	judged, parts, keys := map[string]any{}, map[string]carried{}, map[string]reflect.Value{}
	for entries := value.MapRange(); entries.Next(); {
		key, err := c.read(entries.Key(), levels)
		if err != nil {
			return carried{}, err
		}
		name := fmt.Sprint(key.judged)
		switch key.judged.(type) {
		case []any, map[string]any:
			return carried{}, fmt.Errorf("a key of type `%s` cannot be guarded", entries.Key().Type())
		}
		if _, twice := keys[name]; twice {
			return carried{}, errors.New("a map with two keys that are the same as text cannot be guarded")
		}
		part, err := c.read(entries.Value(), levels)
		if err != nil {
			return carried{}, err
		}
		judged[name], parts[name], keys[name] = part.judged, part, entries.Key()
	}
	return carried{judged: judged, passed: func(after any) (reflect.Value, error) {
		fields, is := after.(map[string]any)
		if !is || len(fields) != len(parts) {
			return reflect.Value{}, errStands
		}
		made := reflect.MakeMapWithSize(value.Type(), len(parts))
		for name, part := range parts {
			place := reflect.New(value.Type().Elem()).Elem()
			found, is := fields[name]
			if !is || !keys[name].CanInterface() {
				return made, errStands
			}
			if err := set(place, value.MapIndex(keys[name]), part, found); err != nil {
				return made, err
			}
			made.SetMapIndex(keys[name], place)
		}
		return made, nil
	}}, nil
}

func (c *carrying) fields(value reflect.Value, levels int) (carried, error) {
	judged, parts, places := map[string]any{}, map[string]carried{}, map[string]int{}
	for at := range value.NumField() {
		part, err := c.read(value.Field(at), levels)
		if err != nil {
			return carried{}, err
		}
		// Every field is read, also those that JSON would leave out: the function gets them all.
		field := value.Type().Field(at)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if _, taken := places[name]; name == "" || name == "-" || taken {
			name = field.Name
		}
		for _, taken := places[name]; taken; _, taken = places[name] {
			name += "_"
		}
		judged[name], parts[name], places[name] = part.judged, part, at
	}
	return carried{judged: judged, passed: func(after any) (reflect.Value, error) {
		fields, is := after.(map[string]any)
		if !is || len(fields) != len(parts) || !value.CanInterface() {
			return reflect.Value{}, errStands
		}
		made := reflect.New(value.Type()).Elem()
		made.Set(value)
		for name, part := range parts {
			found, is := fields[name]
			if !is {
				return made, errStands
			}
			if unchanged(part.judged, found) {
				continue
			}
			place := made.Field(places[name])
			if !place.CanSet() {
				return made, errStands
			}
			if err := set(place, value.Field(places[name]), part, found); err != nil {
				return made, err
			}
		}
		return made, nil
	}}, nil
}
