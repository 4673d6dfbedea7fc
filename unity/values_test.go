package unity

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	long := strings.Repeat("x", maxView)
	for in, want := range map[string]string{
		"": "", "FRONTDESK-02": "FRONTDESK-02", "Zoë 日本": "Zoë 日本", "a\x1b[31mb": "a^[[31mb", "a\nb\tc\r": "a^Jb^Ic^M", "\x00\x7f": "^@^?",
		"a\u009b31m": `a\u{9B}31m`, "\u202egpj.exe": `\u{202E}gpj.exe`, "a\u200bb": `a\u{200B}b`, "a\ufe0f": `a\u{FE0F}`, "a\u00a0b": `a\u{A0}b`,
		"a\u2028b": `a\u{2028}b`, "a\xffb": "a\ufffdb", "\x9b": "\ufffd", "\U000e0041": `\u{E0041}`, "\ue000": `\u{E000}`, "\ufffe": `\u{FFFE}`, "\u2800": `\u{2800}`,
		"\u0301a": "a", "a" + strings.Repeat("\u0301", 40): "a" + strings.Repeat("\u0301", maxMarks),
		long: long, long + "y": long[1:] + "…", strings.Repeat("\x1b", maxView): strings.Repeat("^[", maxView/2)[:maxView-1] + "…",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%+q gives %+q, want %+q", in, got, want)
		}
	}
	if got := CleanLines("a\nb\x1b"); got != "a\nb^[" {
		t.Errorf("%q", got)
	}
	x := NewText("a\x1b")
	if x.Raw() != "a\x1b" || x.String() != "a^[" || !x.Odd() || NewText("a").Odd() || !NewText(" \t").Empty() || x.Empty() {
		t.Error("text")
	}
}

// checkClean is what a view promises.
func checkClean(t interface{ Fatalf(string, ...any) }, s string) {
	for _, lines := range []bool{false, true} {
		got := sanitise(s, lines)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxView {
			t.Fatalf("%+q", got)
		}
		for _, r := range got {
			if r == '\n' && lines {
				continue
			}
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Cs, unicode.Co, unicode.Zl, unicode.Zp) || r != ' ' && unicode.IsSpace(r) {
				t.Fatalf("%+q holds %U", got, r)
			}
		}
		if again := sanitise(got, lines); again != got {
			t.Fatalf("%+q becomes %+q", got, again)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a\x1b[2J", "\u202e\u0301\xff", strings.Repeat("\u0301", 20), strings.Repeat("\x1b", 1200), strings.Repeat("é", 3000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkClean(t, s) })
}

func TestCleanProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x9b", "\u0301", "\ufe0f", "\u202e", "\U000e0041", "\n", "\xed\xa0\x80"})), 0, 30)
		repeat := rapid.SampledFrom([]int{1, 1, 1, 100}).Draw(t, "repeat")
		checkClean(t, strings.Repeat(strings.Join(parts.Draw(t, "parts"), ""), repeat))
	})
}

func TestScalars(t *testing.T) {
	for in, want := range map[string]Int{"7": {7, true}, `"7"`: {7, true}, `" -7 "`: {-7, true}, "7.0": {7, true}, "1e3": {1000, true}, "7.5": {}, "null": {}, `""`: {}, "true": {},
		"{}": {}, "[7]": {}, "1e300": {}, "9223372036854775807": {1<<63 - 1, true}, "9223372036854775808": {}, `"NaN"`: {}, `"Inf"`: {}} {
		got := Int{99, true}
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want && in != "null" {
			t.Errorf("%s: %+v %v", in, got, err)
		}
	}
	if (Int{}).String() != "" || (Int{3, true}).String() != "3" || (Int{}).Or(5) != 5 || (Int{3, true}).Or(5) != 3 {
		t.Error("Int")
	}
	for in, want := range map[string]Bool{"true": {true, true}, `"True"`: {true, true}, "1": {true, true}, `"yes"`: {true, true}, "false": {false, true}, "0": {false, true},
		`"no"`: {false, true}, "2": {}, `""`: {}, "{}": {}, `"maybe"`: {}} {
		got := Bool{true, true}
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("%s: %+v %v", in, got, err)
		}
	}
	for in, want := range map[string]string{`"a"`: "a", "7": "7", "true": "true", `{"a":1}`: `{"a":1}`, `"\u001b"`: "\x1b"} {
		var got Text
		if err := json.Unmarshal([]byte(in), &got); err != nil || got.Raw() != want {
			t.Errorf("%s: %q %v", in, got.Raw(), err)
		}
	}
	for in, want := range map[string]CommandState{"3": StateExecuted, `"2"`: StateNotYetReceived, `"x"`: 0} {
		var got CommandState
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	for s, want := range map[CommandState]string{1: "elapsed", 2: "not yet received", 3: "sent to agent", 4: "scheduled", 0: "unknown", 9: "state 9"} {
		if s.String() != want || s.Open() != (s == 2 || s == 4) {
			t.Error(s)
		}
	}
}

func TestTimes(t *testing.T) {
	for in, want := range map[string]string{
		"2018-09-01": "2018-09-01T00:00:00Z", "2019-01-01T22:30:00.000Z": "2019-01-01T22:30:00Z", "2019-08-26T00:00:00.0000000Z": "2019-08-26T00:00:00Z",
		"2022-11-29T10:36:02.2629051Z": "2022-11-29T10:36:02.2629051Z", "2023-07-07T15:52:10": "2023-07-07T15:52:10Z", "2023-07-07 15:52:10": "2023-07-07T15:52:10Z",
		"2023-07-07T15:52:10+02:00": "2023-07-07T13:52:10Z", "2023-07-07T15:52:10+0200": "2023-07-07T13:52:10Z", "2023-07-07T15:52": "2023-07-07T15:52:00Z",
		"0001-01-01T00:00:00": "", "0001-12-31T00:00:00Z": "", "9999-12-31T23:59:59-05:00": "", "soon": "", "": "", "2023-13-01": "", strings.Repeat("2", 100): "",
	} {
		var got Time
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &got); err != nil || got.Known() != (want != "") {
			t.Errorf("%s: %v %v", in, got, err)
			continue
		}
		out, err := json.Marshal(got)
		switch {
		case err != nil, want != "" && string(out) != `"`+want+`"`, want == "" && in != "" && string(out) != string(b), in == "" && string(out) != "null":
			t.Errorf("%s is written as %s", in, out)
		}
		if got.Text() != in {
			t.Errorf("%s: text %s", in, got.Text())
		}
	}
	at := time.Date(2025, 1, 2, 3, 4, 5, 0, time.FixedZone("x", 3600))
	if got := NewTime(at); !got.Equal(at) || got.Location() != time.UTC {
		t.Error(got)
	}
}

func FuzzScalars(f *testing.F) {
	for _, s := range []string{`"2023-07-07T15:52:10"`, "7", "1e9", `"\u009b"`, "null", `{"a":[]}`, `"AAAA-BBBB-CCCC-DDDD-EEEE"`, `"9999-12-31T23:59:59-05:00"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		var all struct {
			T Text
			I Int
			B Bool
			A Time
			K Keycode
			S CommandState
		}
		for name, p := range map[string]json.Unmarshaler{"text": &all.T, "int": &all.I, "bool": &all.B, "time": &all.A, "key": &all.K, "state": &all.S} {
			if err := p.UnmarshalJSON(text); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if Clean(all.K.String()) != all.K.String() || Clean(all.A.Text()) != all.A.Text() {
			t.Fatalf("%q %q", all.K.String(), all.A.Text())
		}
		out, err := json.Marshal(all.A)
		if err != nil || !json.Valid(out) {
			t.Fatal(err)
		}
		var back Time
		if err := json.Unmarshal(out, &back); err != nil || !back.Equal(all.A.Time) {
			t.Fatalf("%s becomes %s", text, out)
		}
	})
}

func TestKeycodes(t *testing.T) {
	for _, in := range []string{"AAAABBBBCCCCDDDDEEEE", "aaaa-bbbb-cccc-dddd-eeee", " AAAA BBBB CCCC DDDD EEEE ", "AAAA\u2010BBBB\u2011CCCC\u2013DDDD-EEEE"} {
		if k, err := ParseKeycode(in); err != nil || k != testKey || k.String() != "AAAA-BBBB-CCCC-DDDD-EEEE" {
			t.Errorf("%s: %v %v", in, k, err)
		}
	}
	for _, in := range []string{"", "AAAA", "AAAABBBBCCCCDDDDEEEÉ", "AAAABBBBCCCCDDDDEEE!", "AAAABBBBCCCCDDDDEEEEF", "AAAABBBBCCCCDDDD\x1b[2J"} {
		if k, err := ParseKeycode(in); err == nil {
			t.Errorf("%q: %v", in, k)
		}
	}
	var k Keycode
	if err := json.Unmarshal([]byte(`"\u001b[31mBCCCCDDDDEEEEF"`), &k); err != nil || strings.Contains(k.String(), "\x1b") || string(k) != "\x1b[31mBCCCCDDDDEEEEF" {
		t.Errorf("%q %v", k.String(), err)
	}
	for id, want := range map[string]bool{string(idA): true, strings.ToUpper(string(siteA)): true, "": false, string(idA) + "\n": false, "{" + string(idA) + "}": false} {
		if IsGUID(id) != want {
			t.Errorf("%q", id)
		}
	}
}

func FuzzParseKeycode(f *testing.F) {
	f.Add("aaaa-bbbb-cccc-dddd-eeee")
	f.Add("ÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿ")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParseKeycode(s)
		if err != nil {
			return
		}
		if again, err := ParseKeycode(k.String()); err != nil || again != k || len(k.String()) != 24 {
			t.Fatal(k, again, err)
		}
	})
}

func TestRecordJSON(t *testing.T) {
	raw := `{"Zebra":1,"LastSeen":"2023-07-07T15:52:10","EndDate":"soon","Null":null,"New":{"LastScan":"2024-01-01","x":[{"FirstSeen":"2024-01-02"}]},` +
		`"FirstSeen":["2024-01-03"],"HostName":"a\u001b<b>","Other":"2024-01-01","Big":12345678901234567890, "SiteName" : "own"}`
	want := `{"Zebra":1,"LastSeen":"2023-07-07T15:52:10Z","EndDate":"soon","Null":null,"New":{"LastScan":"2024-01-01T00:00:00Z","x":[{"FirstSeen":"2024-01-02T00:00:00Z"}]},` +
		`"FirstSeen":["2024-01-03T00:00:00Z"],"HostName":"a\u001b<b>","Other":"2024-01-01","Big":12345678901234567890,"SiteName":"own","SeenDays":3}`
	r := Record{json.RawMessage(raw)}
	got, err := r.JSON(DateKeys(), Extra{"SiteName", "ours"}, Extra{"SeenDays", 3})
	if err != nil || string(got) != want {
		t.Errorf("%s\n%v", got, err)
	}
	if string(r.Raw()) != raw {
		t.Error("the raw row changed")
	}
	got, err = Record{json.RawMessage("{\"a\":\"x\u009b1m\u202e\U000e0041\xff\x7fé日\"}")}.JSON(nil)
	if err != nil || string(got) != `{"a":"x\u009b1m\u202e\udb40\udc41\ufffd\u007fé日"}` {
		t.Errorf("%s %v", got, err)
	}
	got, err = json.Marshal(NewText("\u009b1m\x1b"))
	if err != nil || string(got) != `"\u009b1m\u001b"` {
		t.Errorf("%s %v", got, err)
	}
	if _, err := (Record{}).JSON(nil); err == nil {
		t.Error("an empty record gave JSON")
	}
	if _, err := r.JSON(nil, Extra{"x", make(chan int)}); err == nil {
		t.Error("an extra that cannot be written was dropped")
	}
}

func FuzzRecordJSON(f *testing.F) {
	f.Add([]byte(`{"LastSeen":"2023-07-07T15:52:10","x":[{"EndDate":null}],"a":"` + "\u009b\xff" + `"}`))
	f.Add([]byte(`{"a":1,"a":2,"A":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		out, err := Record{raw}.JSON(DateKeys())
		if err != nil {
			return
		}
		before, err1 := objectFields(raw)
		after, err2 := objectFields(out)
		if err1 != nil || err2 != nil || !json.Valid(out) || len(before) != len(after) {
			t.Fatalf("%s becomes %s", raw, out)
		}
		for i := range before {
			var a, b any
			if before[i].name != after[i].name || json.Unmarshal(before[i].value, &a) != nil || json.Unmarshal(after[i].value, &b) != nil {
				t.Fatalf("%s becomes %s", raw, out)
			}
			text, isText := a.(string)
			if other, ok := b.(string); isText && !DateKeys()[before[i].name] && (!ok || other != text) {
				t.Fatalf("%q becomes %q", text, other)
			}
		}
		if view := string(out); Clean(view) != view && utf8.RuneCountInString(view) <= maxView && !strings.ContainsFunc(view, func(r rune) bool { return r < ' ' || unicode.Is(unicode.M, r) }) {
			t.Fatalf("%+q reaches the terminal", view)
		}
	})
}

func FuzzErrorBody(f *testing.F) {
	f.Add([]byte(errorJSON(403, "insufficient_scope", "x")))
	for _, s := range shapes(400, "invalid_grant") {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"error":"invalid_request","error_description":"{\"error\":\"invalid_grant\"}"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e := parseErrorBody(text)
		err := &Error{Kind: statusKind(400, e.code), Method: "GET", Path: "/x", Status: 400, Code: e.code, Description: NewText(e.description), RequestID: e.requestID}
		line := err.Error()
		if Clean(line) != line || Clean(e.code) != e.code || len(e.requestID) > 64 || strings.ContainsAny(e.requestID, " \x1b\n") {
			t.Fatalf("%+q", line)
		}
		known := 0
		for _, k := range kinds {
			if errors.Is(err, k) {
				known++
			}
		}
		if known != 1 {
			t.Fatalf("%d kinds", known)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, s := range []string{"", "0", "7", "-7", "1e9", "99999999999999999999", now.Add(time.Hour).Format(http.TimeFormat), "Thu, 01 Jan 1970 00:00:00 GMT", "soon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := parseRetryAfter(s, now); d < 0 || d > 5*time.Minute {
			t.Fatal(d)
		}
	})
}

func TestRetryAfterTable(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Duration{"": 0, "0": 0, " 7 ": 7 * time.Second, "-7": 0, "301": 5 * time.Minute, "99999999999999999999": 5 * time.Minute, "1.5": 0,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0, now.Add(time.Hour).Format(http.TimeFormat): 5 * time.Minute} {
		if got := parseRetryAfter(in, now); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{" FRONTDESK ": "frontdesk", "Zoë": "zoe", "ＡＢＣ": "abc", "STRASSE": "strasse", "Straße": "strasse", "É": "e"} {
		if got := Fold(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestNames(t *testing.T) {
	e := Endpoint{ID: "x\x1b"}
	if e.Name() != "x^[" {
		t.Errorf("%q", e.Name())
	}
	row, err := endpointRow(json.RawMessage(`{"EndpointId":" \u001b]0;X","MachineId":"\u202e"}`))
	if err != nil || row.Name() != "^[]0;x" || row.MachineID != `\u{202E}` {
		t.Errorf("%q %q %v", row.Name(), row.MachineID, err)
	}
	for want, s := range map[string]Site{"deactivated": {Deactivated: Bool{true, true}, Suspended: Bool{true, true}}, "suspended": {Suspended: Bool{true, true}},
		"expired": {AllKeysExpired: Bool{true, true}, Description: NewText("Trial")}, "trial": {Description: NewText("TRIAL")}, "active": {}} {
		if s.State() != want {
			t.Errorf("%s: %s", want, s.State())
		}
	}
	for level, x := range map[Int][3]any{{128, true}: {"admin", true, true}, {1, true}: {"view", true, false}, {0, true}: {"none", false, false}, {}: {"", true, true}} {
		s := Site{AccessLevel: level}
		if AccessWord(level) != x[0] || s.Visible() != x[1] || s.Writable() != x[2] {
			t.Error(level)
		}
	}
	for words, c := range map[string]Command{"isolate": {Command: NewText("sysisolate"), Parameters: NewText("ON")}, "release": {Command: NewText("sysisolate"), Parameters: NewText("off")},
		"sysisolate": {Command: NewText("sysisolate")}, "scan": {Command: NewText("scan")}} {
		if c.Words() != words {
			t.Error(c.Words(), words)
		}
	}
}

// TestTextPrintsItsView: no way of printing a Text gives its raw value away to a terminal.
func TestTextPrintsItsView(t *testing.T) {
	text := NewText("a\x1b]52;c;eA==\x07\u202eb")
	for _, printed := range []string{text.String(), fmt.Sprint(text), fmt.Sprintf("%v %s", text, text)} {
		if strings.ContainsAny(printed, "\x1b\x07\u202e") {
			t.Errorf("%q", printed)
		}
	}
	if text.Raw() != "a\x1b]52;c;eA==\x07\u202eb" || !text.Odd() {
		t.Errorf("the raw value is %q", text.Raw())
	}
}
