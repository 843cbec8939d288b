package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// decodeStrict decodes a JSON text that a person has written, and nothing after it. Its errors
// say where the text is wrong, and name no Go type.
func decodeStrict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return jsonError(data, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: there is more after the end of the JSON", position(data, d.InputOffset()))
	}
	return nil
}

// jsonError says in words what is wrong with a JSON text.
func jsonError(data []byte, err error) error {
	if errors.Is(err, io.EOF) && len(bytes.TrimSpace(data)) == 0 {
		return errors.New("it is empty")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut short: the JSON does not end")
	}
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		if bad.Offset >= int64(len(data)) && strings.Contains(bad.Error(), "unexpected end") {
			return errors.New("it is cut short: the JSON does not end")
		}
		return fmt.Errorf("it is not JSON: %s: %w", position(data, bad.Offset-1), bad)
	}
	if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		place := position(data, bad.Offset-1)
		if bad.Field != "" {
			place += ", " + bad.Field
		}
		return fmt.Errorf("%s: is %s, but must be %s", place, withArticle(bad.Value), jsonKind(bad.Type))
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// position is the line and column of an offset.
func position(data []byte, offset int64) string {
	before := data[:max(0, min(int(offset), len(data)))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, column %d", line, len(before)-bytes.LastIndexByte(before, '\n'))
}

func withArticle(value string) string {
	word, _, _ := strings.Cut(value, " ")
	if strings.HasPrefix(word, "a") || strings.HasPrefix(word, "o") {
		return "an " + word
	}
	return "a " + strings.Replace(word, "bool", "truth value", 1)
}

// jsonKind is what a Go type is in JSON.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Pointer:
		return jsonKind(t.Elem())
	default:
		return "a whole number"
	}
}

// readItems reads a JSON array of items.
func readItems(data []byte) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if err := decodeStrict(data, &items); err != nil {
		return nil, err
	}
	if items == nil {
		return nil, &cli.ValueError{Value: strings.TrimSpace(string(data)), Want: "an array"}
	}
	return items, nil
}
