package dashjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Object is a JSON object that preserves the order of its fields, so that user-written JSON round-trips unchanged.
// Values are *Object, []any, string, json.Number, bool or nil. Read methods work on a nil Object.
type Object struct {
	keys   []string
	values map[string]any
}

// NewObject returns an object built from alternating keys and values. Pairs with a nil value are omitted.
func NewObject(pairs ...any) *Object {
	o := &Object{values: make(map[string]any, len(pairs)/2)}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != nil {
			o.Set(pairs[i].(string), pairs[i+1])
		}
	}
	return o
}

// Keys returns the field names in order.
func (o *Object) Keys() []string {
	if o == nil {
		return nil
	}
	return slices.Clone(o.keys)
}

// Has reports whether the field exists, even if it is null.
func (o *Object) Has(key string) bool {
	if o == nil {
		return false
	}
	_, ok := o.values[key]
	return ok
}

// Get returns a field's value, or nil if it does not exist.
func (o *Object) Get(key string) any {
	if o == nil {
		return nil
	}
	return o.values[key]
}

// Set sets a field in place, or appends it if it is new.
func (o *Object) Set(key string, value any) {
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

// SetFirst sets a field in place, or prepends it if it is new.
func (o *Object) SetFirst(key string, value any) {
	if _, ok := o.values[key]; !ok {
		o.keys = slices.Insert(o.keys, 0, key)
	}
	o.values[key] = value
}

// Delete removes a field.
func (o *Object) Delete(key string) {
	if _, ok := o.values[key]; ok {
		delete(o.values, key)
		o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == key })
	}
}

// Object returns the field if it is an object, otherwise nil.
func (o *Object) Object(key string) *Object {
	child, _ := o.Get(key).(*Object)
	return child
}

// List returns the field if it is a list, otherwise nil.
func (o *Object) List(key string) []any {
	list, _ := o.Get(key).([]any)
	return list
}

// Objects returns the objects in a list field.
func (o *Object) Objects(key string) []*Object {
	var objects []*Object
	for _, v := range o.List(key) {
		if child, ok := v.(*Object); ok {
			objects = append(objects, child)
		}
	}
	return objects
}

// Text returns the field if it is a string, otherwise the empty string.
func (o *Object) Text(key string) string {
	s, _ := o.Get(key).(string)
	return s
}

// Bool reports whether a field is true.
func (o *Object) Bool(key string) bool {
	b, _ := o.Get(key).(bool)
	return b
}

// Int returns the field if it is an integer.
func (o *Object) Int(key string) (int64, bool) {
	switch n := o.Get(key).(type) {
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	case int64:
		return n, true
	case int:
		return int64(n), true
	}
	return 0, false
}

// Clone returns a copy that shares nothing with o.
func (o *Object) Clone() *Object {
	if o == nil {
		return nil
	}
	return clone(o).(*Object)
}

func clone(v any) any {
	switch v := v.(type) {
	case *Object:
		c := &Object{keys: slices.Clone(v.keys), values: make(map[string]any, len(v.values))}
		for k, child := range v.values {
			c.values[k] = clone(child)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = clone(v[i])
		}
		return c
	}
	return v
}

// MarshalJSON writes the fields in order. Strings keep <, > and & unescaped.
func (o *Object) MarshalJSON() ([]byte, error) { return Encode(o) }

// UnmarshalJSON reads an object, preserving the order of its fields.
func (o *Object) UnmarshalJSON(data []byte) error {
	v, err := Decode(data)
	if err != nil {
		return err
	}
	read, ok := v.(*Object)
	if !ok {
		return fmt.Errorf("must be an object {…}, not %s", kindOf(v))
	}
	*o = *read
	return nil
}

// Encode writes v, which is a value returned by Decode or an ordinary Go value, as compact JSON.
func Encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	if err := encode(&buf, v); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// EncodeIndent writes v in human-readable form: two-space indentation and a trailing newline.
func EncodeIndent(v any) ([]byte, error) {
	compact, err := Encode(v)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, compact, "", "  "); err != nil {
		return nil, err
	}
	buf.WriteByte('\n')
	return buf.Bytes(), nil
}

func encode(buf *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case *Object:
		if v == nil {
			buf.WriteString("null")
			return nil
		}
		buf.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				buf.WriteByte(',')
			}
			if err := encode(buf, k); err != nil {
				return err
			}
			buf.WriteByte(':')
			if err := encode(buf, v.values[k]); err != nil {
				return err
			}
		}
		buf.WriteByte('}')
		return nil
	case []any:
		buf.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				buf.WriteByte(',')
			}
			if err := encode(buf, item); err != nil {
				return err
			}
		}
		buf.WriteByte(']')
		return nil
	case string:
		if plain(v) {
			buf.WriteByte('"')
			buf.WriteString(v)
			buf.WriteByte('"')
			return nil
		}
	}
	return encodeOther(buf, v)
}

// plain reports whether a string can be written without escaping: most can, and calling the standard library's encoder
// for each string is slow.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func encodeOther(buf *bytes.Buffer, v any) error {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1) // the encoder's newline
	return nil
}

// maxDepth limits the nesting of lists and objects. Grafana's own dashboards stay below 20.
const maxDepth = 100

// Decode reads exactly one JSON value. Numbers keep their text and objects the order of their fields; the last of
// duplicate fields wins. Errors include the line number.
func Decode(data []byte) (any, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("it is empty")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := decode(dec, 0)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("unexpected content after the end of the JSON value")
		}
	}
	if err == nil {
		return v, nil
	}
	offset := dec.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the JSON ends too early; the file is truncated or still being written")
		offset = int64(len(data))
	}
	line := 1 + bytes.Count(data[:min(int(offset), len(data))], []byte{'\n'})
	return nil, fmt.Errorf("line %d: %s", line, strings.TrimPrefix(err.Error(), "json: "))
}

func decode(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("lists and objects are nested more than %d deep", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := &Object{values: map[string]any{}}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			value, err := decode(dec, depth+1)
			if err != nil {
				return nil, err
			}
			o.Set(key.(string), value)
		}
		_, err := dec.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			value, err := decode(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := dec.Token()
		return list, err
	}
	return token, nil
}

// kindOf returns the human-readable name of a JSON value's type.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case []any:
		return fmt.Sprintf("a list of %d values", len(v))
	case *Object:
		return "an object {…}"
	}
	return "a number"
}
