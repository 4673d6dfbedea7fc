package wiretap

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestHostileAnswersKeepWhatTheProtocolNeeds(t *testing.T) {
	b := newBackend(t)
	p := start(t, b, Options{Hostile: true, Seed: 3})
	_, h, body, err := call(t, p, "GET", "/service/api/x", "")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		SiteName, SiteID string
		Seats            json.Number
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	if got.SiteName == "Harbour Dental" || got.SiteID != "id-1" || got.Seats != "12.50" {
		t.Errorf("got %+v", got)
	}
	if h.Get("Content-Type") != "application/json" || h.Get("X-Notice") == "" || h.Get("X-Notice") == "notice" {
		t.Errorf("headers %v", h)
	}
	status, _, body, err := call(t, p, "GET", "/missing", "")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(status, "404 ") || status == "404 Not Found" {
		t.Errorf("reason phrase %q is harmless", status)
	}
	if strings.Contains(string(body), `"Nothing here"`) || !strings.Contains(string(body), `"error":null`) {
		t.Errorf("error body %q", body)
	}
	_, _, body, err = call(t, p, "POST", "/auth/token", "grant_type=password")
	if err != nil || string(body) != `{"access_token":"abc","token_type":"bearer","expires_in":300}` {
		t.Errorf("token answer %q %v was changed", body, err)
	}
}

func TestEverySeedReachesEveryPayload(t *testing.T) {
	h := newHostility(1, nil)
	seen := map[string]bool{}
	long := false
	for i := range 2000 {
		got := h.text("name-" + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + string(rune(0x4e00+i)))
		for _, p := range payloads() {
			seen[p] = seen[p] || strings.Contains(got, p)
		}
		long = long || len(got) >= longText-5
	}
	for _, p := range payloads() {
		if !seen[p] {
			t.Errorf("payload %q never appears", p)
		}
	}
	if !long {
		t.Error("no text of 64 KB appears")
	}
}

func TestKeptKeys(t *testing.T) {
	h := newHostility(1, []string{"Custom"})
	for _, key := range []string{"SiteId", "EndpointId", "MachineId", "GSMKey", "KC", "keycode", "AccountKeyCode", "access_token", "LastSeen",
		"ContinuationToken", "ContinuationURI", "requestId", "error", "scope", "DateRequested", "custom", "SiteStateChangedDate"} {
		if !h.kept(key) {
			t.Errorf("%s is rewritten", key)
		}
	}
	for _, key := range []string{"HostName", "SiteName", "GroupName", "error_description", "OS", "CurrentUser", "FileName", "Comments", "IPAddress", "Command"} {
		if h.kept(key) {
			t.Errorf("%s is kept", key)
		}
	}
}

func TestHostileJSONKeepsStructure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z]{1,8}`), 1, 5, rapid.ID[string]).Draw(t, "names")
		doc := map[string]any{}
		for _, name := range names {
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				doc[name] = rapid.String().Draw(t, "string")
			case 1:
				doc[name] = rapid.Int32().Draw(t, "number")
			case 2:
				doc[name] = nil
			case 3:
				doc[name] = []any{rapid.String().Draw(t, "element"), map[string]any{"HostName": "x", "Id": "y"}}
			default:
				doc[name] = rapid.Bool().Draw(t, "bool")
			}
		}
		in, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		h := newHostility(rapid.Uint64().Draw(t, "seed"), nil)
		out, err := h.json(in)
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]any
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		compare(t, h, "", any(doc), any(back))
		again, err := h.json(in)
		if err != nil || string(again) != string(out) {
			t.Fatalf("a second run differs: %v", err)
		}
	})
}

// compare checks that two documents differ in unkept strings only, and there always.
func compare(t *rapid.T, h hostility, key string, in, out any) {
	switch in := in.(type) {
	case map[string]any:
		got, ok := out.(map[string]any)
		if !ok || len(got) != len(in) {
			t.Fatalf("object at %q became %v", key, out)
		}
		for name, value := range in {
			compare(t, h, name, value, got[name])
		}
	case []any:
		got, ok := out.([]any)
		if !ok || len(got) != len(in) {
			t.Fatalf("array at %q became %v", key, out)
		}
		for i := range in {
			compare(t, h, key, in[i], got[i])
		}
	case string:
		if got, ok := out.(string); !ok || (got == in) != h.kept(key) {
			t.Fatalf("string at %q: %q became %v", key, in, out)
		}
	case int32:
		if out != float64(in) {
			t.Fatalf("number at %q: %v became %v", key, in, out)
		}
	default:
		if in != out {
			t.Fatalf("value at %q: %v became %v", key, in, out)
		}
	}
}

func TestHostileJSONRefusesOtherBodies(t *testing.T) {
	h := newHostility(1, nil)
	for _, body := range []string{"", "<html>", `{"a":"b"`, `{"a":1}{"b":2}`, `{"a":}`} {
		if out, err := h.json([]byte(body)); err == nil {
			t.Errorf("%q was accepted as %q", body, out)
		}
	}
}
