package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/unitty/unitty/unity"
)

// Check says how to find out by reading whether a change of an object arrived. It is plain data, so that a job can be
// settled after a crash.
type Check struct {
	// Path is the address to read, List the member that holds the objects ("Sites"); "" means that the answer is the object.
	Path string `json:"path"`
	List string `json:"list,omitempty"`
	// IDField and ID find the object in the list. Without an ID it is a new one: the only object with the expected values
	// whose id is not among Known.
	IDField string   `json:"id_field,omitempty"`
	ID      string   `json:"id,omitempty"`
	Known   []string `json:"known,omitempty"`
	// Absent tells that the object has to be gone.
	Absent bool `json:"absent,omitempty"`
	// Expect are the values that the object's fields have afterwards. Text is compared whole, numbers and booleans however
	// they are written.
	Expect map[string]string `json:"expect,omitempty"`
}

const notShown = "the API does not show "

// ask reads and judges: Sent when the object is as the change leaves it, else Unknown and why.
func (k *Check) ask(ctx context.Context, c *unity.Client) (State, string) {
	answer, err := c.Do(ctx, unity.Request{Method: http.MethodGet, Path: k.Path})
	switch {
	case errors.Is(err, unity.ErrNotFound) && k.Absent:
		return Sent, "the answer was lost; the object is gone"
	case err != nil:
		return Unknown, "it cannot be read: " + err.Error()
	}
	objects, err := k.objects(answer.Body)
	if err != nil {
		return Unknown, "what was read does not tell: " + err.Error()
	}
	if k.ID == "" {
		return k.fresh(objects)
	}
	for _, o := range objects {
		if k.List != "" && !strings.EqualFold(o[k.IDField], k.ID) {
			continue
		}
		if k.Absent {
			return Unknown, notSeen + "the object is still there"
		}
		return k.compare(o)
	}
	if k.Absent {
		return Sent, "the answer was lost; the object is gone"
	}
	return Unknown, notSeen + "the object is not in the list"
}

func (k *Check) compare(o map[string]string) (State, string) {
	names := make([]string, 0, len(k.Expect))
	for name := range k.Expect {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		is, there := o[name]
		switch {
		case !there:
			return Unknown, notShown + name
		case !sameValue(is, k.Expect[name]):
			return Unknown, notSeen + name + " is as before"
		}
	}
	if len(names) == 0 {
		return Unknown, "nothing that can be read tells"
	}
	return Sent, "the answer was lost; the object is as it was asked for"
}

// fresh looks for the one new object with the expected values.
func (k *Check) fresh(objects []map[string]string) (State, string) {
	found := 0
	for _, o := range objects {
		id := strings.ToLower(o[k.IDField])
		if id == "" || slices.ContainsFunc(k.Known, func(s string) bool { return strings.EqualFold(s, id) }) {
			continue
		}
		if s, _ := k.compare(o); s == Sent {
			found++
		}
	}
	switch found {
	case 0:
		return Unknown, notSeen + "there is no such new object"
	case 1:
		return Sent, "the answer was lost; there is one new object like it"
	default:
		return Unknown, "several such objects appeared at once; ours may be one of them"
	}
}

// objects gives the fields of the objects in an answer as text. Nested values are left out: nothing is expected of them.
func (k *Check) objects(body []byte) ([]map[string]string, error) {
	var rows []map[string]json.RawMessage
	if k.List == "" {
		var one map[string]json.RawMessage
		if err := json.Unmarshal(body, &one); err != nil {
			return nil, err
		}
		rows = append(rows, one)
	} else {
		var envelope map[string]json.RawMessage
		if err := json.Unmarshal(body, &envelope); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(envelope[k.List], &rows); err != nil {
			return nil, err
		}
	}
	out := make([]map[string]string, 0, len(rows))
	for _, row := range rows {
		o := map[string]string{}
		for name, raw := range row {
			var text string
			raw = bytes.TrimSpace(raw)
			switch {
			case json.Unmarshal(raw, &text) == nil:
				o[name] = text
			case len(raw) > 0 && raw[0] != '{' && raw[0] != '[':
				o[name] = string(raw)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// sameValue compares a value as it was read with the expected one. A keycode or an id may come in another case.
func sameValue(is, want string) bool {
	is, want = strings.TrimSpace(is), strings.TrimSpace(want)
	if unity.IsGUID(want) || want == "true" || want == "false" {
		return strings.EqualFold(is, want)
	}
	return is == want
}
