package unity

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzSplit compares with the decoder of the standard library.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{`{}`, ` { "a" : 1 , "b":[1,{"c":"]}\\\""}, "x"] ,"d":null}`, `{"a":{"b":{}},"a":true}`, `{"é":1}`, `[]`, `[ 1 , "a,b" ,[ ] ]`, `{"a":-1e5}`,
		`{"\u0061":1}`, `{"a":"\\"}`, `[{"a":"\\\\\""},2]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if fields, ok := splitObject(raw); ok {
			want, err := objectFields(raw)
			if err != nil || len(want) != len(fields) {
				t.Fatalf("%q: %d members, want %d (%v)", raw, len(fields), len(want), err)
			}
			for i := range want {
				if want[i].name != fields[i].name || !bytes.Equal(want[i].value, fields[i].value) {
					t.Fatalf("%q: %s %q, want %s %q", raw, fields[i].name, fields[i].value, want[i].name, want[i].value)
				}
			}
		}
		if !json.Valid(raw) {
			return
		}
		var want []json.RawMessage
		got, ok := splitArray(raw)
		if isList := json.Unmarshal(raw, &want) == nil && want != nil; ok != isList || ok && len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %q %v, want %q", raw, got, ok, want)
		}
	})
}
