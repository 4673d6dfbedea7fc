package unity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// listed are the methods that pass with a list only.
var listed = []struct{ method, path string }{
	{"PUT", "/endpoints"}, {"PUT", "/endpoints/policy"}, {"POST", "/endpoints/reactivate"}, {"POST", "/endpoints/deactivate"}, {"POST", "/endpoints/commands"},
}

const group = "/groups/bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"

// setWide are the methods that need a count.
var setWide = []struct{ method, path string }{
	{"POST", "/deactivate"}, {"POST", "/suspend"}, {"POST", "/resume"}, {"POST", "/converttrial"}, {"DELETE", group},
	{"PUT", group + "/endpoints/policy"}, {"POST", group + "/endpoints/deactivate"}, {"POST", group + "/endpoints/commands"},
}

func body(list string) string { return `{"EndpointsList":` + list + `,"Command":"scan"}` }

func TestGateBodies(t *testing.T) {
	a, b := string(idA), string(idB)
	js := "application/json"
	for _, x := range []struct {
		name, contentType, body string
		want                    []EndpointID
	}{
		{"one", js, body(`"` + a + `"`), []EndpointID{idA}},
		{"two", js, body(`"` + a + `,` + b + `"`), []EndpointID{idA, idB}},
		{"repeated, spaced, upper case", js, body(`"` + strings.ToUpper(b) + ` , ` + a + `,` + b + `"`), []EndpointID{idB, idA}},
		{"escaped name", js, `{"Endpoints\u004cist":"` + a + `"}`, []EndpointID{idA}},
		{"charset", js + "; charset=UTF-8", body(`"` + a + `"`), []EndpointID{idA}},
		{"other members", js, `{"EndpointsList":"` + a + `","SourceGroupId":null,"TargetGroupId":"x","Inheritance":1}`, []EndpointID{idA}},
		{"no body", js, "", nil}, {"blank body", js, "  ", nil}, {"null body", js, "null", nil}, {"missing", js, `{"Command":"scan"}`, nil},
		{"null", js, body("null"), nil}, {"empty", js, body(`""`), nil}, {"blank", js, body(`" \t"`), nil}, {"comma", js, body(`","`), nil},
		{"other case", js, `{"endpointsList":"` + a + `"}`, nil}, {"blank in the name", js, `{"EndpointsList ":"` + a + `"}`, nil},
		{"long s", js, `{"EndpointſList":"` + a + `"}`, nil},
		{"twice", js, `{"EndpointsList":"` + a + `","EndpointsList":""}`, nil}, {"twice, null", js, `{"EndpointsList":"` + a + `","EndpointsList":null}`, nil},
		{"twice, other case", js, `{"EndpointsList":"` + a + `","ENDPOINTSLIST":""}`, nil},
		{"twice, escaped", js, `{"EndpointsList":"` + a + `","\u0045ndpointsList":""}`, nil},
		{"form", "application/x-www-form-urlencoded", "EndpointsList=" + a, nil}, {"form with JSON", "application/x-www-form-urlencoded", body(`"` + a + `"`), nil},
		{"xml", "application/xml", "<a><EndpointsList>" + a + "</EndpointsList></a>", nil}, {"xml type", "text/xml", body(`"` + a + `"`), nil},
		{"json of another kind", "application/problem+json", body(`"` + a + `"`), nil}, {"no type", ";", body(`"` + a + `"`), nil},
		{"utf-16", js + "; charset=utf-16", body(`"` + a + `"`), nil}, {"invalid utf-8", js, `{"EndpointsList":"` + a + `","x":"` + "\xff" + `"}`, nil},
		{"array", js, `[` + body(`"`+a+`"`) + `]`, nil}, {"list as array", js, body(`["` + a + `"]`), nil}, {"list as object", js, body(`{"a":"` + a + `"}`), nil},
		{"number", js, body("7"), nil}, {"unreadable", js, `{"EndpointsList":`, nil}, {"bom", js, "\ufeff" + body(`"`+a+`"`), nil},
		{"trailing garbage", js, body(`"`+a+`"`) + "x", nil}, {"two documents", js, body(`"`+a+`"`) + `{}`, nil}, {"comment", js, `{/**/"EndpointsList":"` + a + `"}`, nil},
		{"no GUID", js, body(`"FRONTDESK-02"`), nil}, {"one no GUID", js, body(`"` + a + `,all"`), nil}, {"braces", js, body(`"{` + a + `}"`), nil},
		{"trailing comma", js, body(`"` + a + `,"`), nil}, {"newline", js, body(`"` + a + `\n"`), nil}, {"no-break space", js, body(`"` + a + "\u00a0" + `"`), nil},
		{"zero GUID", js, body(`"00000000-0000-0000-0000-000000000000"`), nil}, {"semicolons", js, body(`"` + a + ";" + b + `"`), nil},
		{"nested", js, `{"x":{"EndpointsList":"` + a + `"}}`, nil}, {"nested beside", js, `{"EndpointsList":"` + a + `","x":{}}`, nil},
		{"nested list beside", js, `{"x":[],"EndpointsList":"` + a + `"}`, nil},
		{"reference", js, `{"$ref":"1","EndpointsList":"` + a + `"}`, nil}, {"word for a number", js, `{"Inheritance":"x","EndpointsList":"` + a + `"}`, nil},
		{"command twice", js, `{"EndpointsList":"` + a + `","Command":"scan","command":"uninstall"}`, nil},
	} {
		for _, m := range listed {
			g, err := Inspect(m.method, siteRoot+m.path, x.contentType, []byte(x.body))
			switch {
			case x.want == nil:
				if !errors.Is(err, ErrRefused) || g.Reach != ReachNone || g.Endpoints != nil {
					t.Errorf("%s: %s %s: %+v %v", x.name, m.method, m.path, g, err)
				}
			case err != nil || g.Reach != ReachListed || !reflect.DeepEqual(g.Endpoints, x.want) || g.Site != siteA:
				t.Errorf("%s: %s %s: %+v %v", x.name, m.method, m.path, g, err)
			}
		}
	}
}

func TestGatePaths(t *testing.T) {
	good := []byte(body(`"` + string(idA) + `"`))
	for _, x := range []struct {
		method, path string
		reach        Reach // ReachNone for a change: refused
	}{
		{"POST", siteRoot + "/endpoints/commands", ReachListed}, {"POST", siteRoot + "/endpoints/commands/", ReachListed},
		{"POST", strings.ToUpper(siteRoot + "/endpoints/commands"), ReachListed}, {"POST", strings.Replace(siteRoot, "sites", "%73ites", 1) + "/endpoints/commands", ReachListed},
		{"POST", siteRoot + "/endpoints/commands?x=1", ReachListed},
		{"POST", siteRoot + "//endpoints/commands", ReachNone}, {"POST", siteRoot + "/./endpoints/commands", ReachNone},
		{"POST", siteRoot + "/groups/../endpoints/commands", ReachNone}, {"POST", siteRoot + "/groups/%2e%2e/endpoints/commands", ReachNone},
		{"POST", siteRoot + "/groups/%2E./endpoints/commands", ReachNone}, {"POST", siteRoot + "%2Fendpoints/commands", ReachNone},
		{"POST", siteRoot + "%252Fendpoints/commands", ReachNone}, {"POST", siteRoot + `\endpoints\commands`, ReachNone}, {"POST", siteRoot + "%5cendpoints/commands", ReachNone},
		{"POST", siteRoot + "/endpoints;x/commands", ReachNone}, {"POST", siteRoot + "/endpoints%3bx/commands", ReachNone},
		{"POST", siteRoot + "/endpoints/commands.", ReachNone}, {"POST", siteRoot + "/endpoints./commands", ReachNone}, {"POST", siteRoot + "/endpoints/commands%20", ReachNone},
		{"POST", siteRoot + "/endpoints/commands%00", ReachNone}, {"POST", siteRoot + "/endpoints/commands#x", ReachNone}, {"POST", siteRoot + "/endpoints/comm\u0430nds", ReachNone},
		{"POST", siteRoot + "/endpoints/commands%", ReachNone}, {"POST", siteRoot + "/endpoints/commands\t", ReachNone},
		{"POST", siteRoot + "/endpoints/commands?EndpointsList=", ReachNone}, {"POST", siteRoot + "/endpoints/commands?x=1&endpoints%4cist=" + string(idA), ReachNone},
		{"POST", siteRoot + "/endpoints/commands?%zz", ReachNone}, {"POST", "service/api", ReachNone}, {"POST", "", ReachNone}, {"POST", "@evil.test/x", ReachNone},
		{"post", siteRoot + "/endpoints/commands", ReachNone}, {"Post", siteRoot + "/endpoints/commands", ReachNone}, {"POST ", siteRoot + "/endpoints/commands", ReachNone},
		{"OPTIONS", siteRoot, ReachNone}, {"TRACE", siteRoot, ReachNone}, {"CONNECT", siteRoot, ReachNone}, {"", siteRoot, ReachNone}, {"get", siteRoot, ReachNone},
		{"PUT", siteRoot + "/endpoints/commands", ReachNone}, {"POST", siteRoot + "/endpoints", ReachNone}, {"DELETE", siteRoot + "/endpoints", ReachNone},
		{"PATCH", siteRoot + "/endpoints", ReachNone}, {"DELETE", siteRoot + "/endpoints/" + string(idA), ReachNone}, {"POST", siteRoot + "/endpoints/isolate", ReachNone},
		{"POST", siteRoot + "/commands", ReachNone}, {"POST", siteRoot + group + "/commands", ReachNone}, {"POST", siteRoot + group + "/endpoints/reactivate", ReachNone},
		{"PUT", siteRoot + group + "/endpoints", ReachNone}, {"PUT", siteRoot + "/suspend", ReachNone}, {"DELETE", siteRoot + "/suspend", ReachNone}, {"POST", siteRoot + "/deactivate/x", ReachNone},
		{"DELETE", siteRoot, ReachNone}, {"PATCH", siteRoot, ReachNone}, {"POST", siteRoot, ReachNone}, {"DELETE", gsmRoot + "/sites", ReachNone}, {"PUT", gsmRoot + "/sites/", ReachNone},
		{"DELETE", gsmRoot, ReachNone}, {"POST", gsmRoot, ReachNone}, {"POST", "/auth/token", ReachNone},
		{"PUT", siteRoot, ReachOther}, {"POST", gsmRoot + "/sites", ReachOther}, {"PUT", siteRoot + group, ReachOther}, {"POST", siteRoot + "/groups", ReachOther},
		{"PUT", siteRoot + "/admins", ReachOther}, {"DELETE", gsmRoot + "/admins/x", ReachOther}, {"POST", "/service/api/ecom/shop/carts", ReachOther},
		{"DELETE", siteRoot + "/dnsp/mappings/x", ReachOther}, {"PUT", "/service/api/notifications/subscriptions/x", ReachOther},
	} {
		g, err := Inspect(x.method, x.path, "application/json", good)
		if x.reach == ReachNone && !errors.Is(err, ErrRefused) || x.reach != ReachNone && (err != nil || g.Reach != x.reach) {
			t.Errorf("%q %q: %+v %v", x.method, x.path, g, err)
		}
	}
	for path, ok := range map[string]bool{siteRoot + "/endpoints": true, siteRoot + "/endpoints?pageNr=2": true, "/service/api/status/gsm/AAAA-BBBB?continuation=a%2Bb": true,
		"/service/api/securecloud/customers/x/subscriptions/MTI1OTQ3%3D": true, "/service/api/x/../y": false, "//evil.test/x": false, siteRoot + "?EndpointsList=x": false} {
		if g, err := Inspect("GET", path, "application/json", nil); (err == nil) != ok || g.Reach != ReachNone {
			t.Errorf("GET %s: %v", path, err)
		}
	}
	if _, err := Inspect("GET", siteRoot, "application/json", []byte("{}")); !errors.Is(err, ErrRefused) {
		t.Error("a GET with a body passed")
	}
}

func TestGateSets(t *testing.T) {
	c, s, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answer(w, 204, "") })
	for _, m := range setWide {
		r := Request{Method: m.method, Path: siteRoot + m.path}
		if g, err := Inspect(r.Method, r.Path, "application/json", nil); err != nil || g.Reach != ReachSet || g.Site != siteA {
			t.Errorf("%s: %+v %v", m.path, g, err)
		}
		before := s.count()
		if _, err := c.Do(t.Context(), r); !errors.Is(err, ErrRefused) || s.count() != before {
			t.Errorf("%s passed uncounted: %v", m.path, err)
		}
		r.Body = []byte(body(`"` + string(idA) + `"`))
		r.Counted = true
		if _, err := c.Do(t.Context(), r); !errors.Is(err, ErrRefused) || s.count() != before {
			t.Errorf("%s passed with a list that the server ignores: %v", m.path, err)
		}
		r.Body = []byte(`{"PolicyId":"x","Command":"scan"}`)
		if _, err := c.Do(t.Context(), r); err != nil || s.count() != before+1 {
			t.Errorf("%s: %v", m.path, err)
		}
	}
	before := s.count()
	r := scan(t, c)
	r.Query = url.Values{"endpointslist": {string(idB)}}
	if _, err := c.Do(t.Context(), r); !errors.Is(err, ErrRefused) || s.count() != before {
		t.Error("a list in the query passed", err)
	}
}

func TestAPolicyOfAGroupReachesItsMachines(t *testing.T) {
	js, policy := "application/json", "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
	for _, x := range []struct {
		contentType, body string
		reach             Reach // ReachNone: refused
	}{
		{js, `{"GroupName":"x"}`, ReachOther}, {js, `{"GroupName":"x","Inheritance":0}`, ReachOther}, {js, `{"PolicyId":null,"Inheritance":null}`, ReachOther},
		{js, `{"PolicyId":"` + policy + `"}`, ReachSet}, {js, `{"policyid":"` + policy + `"}`, ReachSet}, {js, `{"Policy\u0049d":"` + policy + `"}`, ReachSet},
		{js, `{"PolicyId":null," POLICYID":"` + policy + `"}`, ReachSet}, {js, `{"Inheritance":1}`, ReachSet}, {js, `{"inheritance":3}`, ReachSet},
		{js, `{"Inheritance":"1"}`, ReachNone}, {js, `{"$ref":"1"}`, ReachNone}, {js, `{"x":{"PolicyId":"` + policy + `"}}`, ReachNone}, {js, `[]`, ReachNone},
		{"application/x-www-form-urlencoded", "PolicyId=" + policy, ReachNone}, {"text/xml", "<PolicyId>" + policy + "</PolicyId>", ReachNone},
	} {
		for _, path := range []string{siteRoot + group, siteRoot + group + "/", strings.ToUpper(siteRoot + group)} {
			g, err := Inspect("PUT", path, x.contentType, []byte(x.body))
			if errors.Is(err, ErrRefused) != (x.reach == ReachNone) || g.Reach != x.reach || x.reach == ReachSet && (g.Group == "" || g.Site != siteA) {
				t.Errorf("%s %s: %+v %v", path, x.body, g, err)
			}
		}
	}
}

func TestReadOnly(t *testing.T) {
	c, s, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answer(w, 200, "{}") }, func(o *Options) { o.ReadOnly = true })
	for _, r := range []Request{scan(t, c), {Method: "POST", Path: siteRoot + "/suspend", Counted: true}, {Method: "PUT", Path: siteRoot + "/admins", Body: []byte("{}")}} {
		if _, err := c.Do(t.Context(), r); !errors.Is(err, ErrRefused) || s.count() != 0 {
			t.Errorf("%s: %v", r.Path, err)
		}
	}
	if _, err := c.Do(t.Context(), read()); err != nil || !c.ReadOnly() {
		t.Error(err)
	}
}

// TestEveryCallPassesTheGate gives every exported method of Client arguments that the gate refuses: nothing may be sent.
// A keycode of this form makes a path that no gate lets through.
func TestEveryCallPassesTheGate(t *testing.T) {
	c, s, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answer(w, 200, "{}") }, func(o *Options) { o.GSMKey = "../x" })
	local := []string{"BaseURL", "Key", "Now", "Parallel", "ReadOnly", "Skew"}
	unreachable := []string{"Ping"} // has a path of its own, with nothing of the caller's in it
	v := reflect.ValueOf(c)
	for i := range v.NumMethod() {
		m := v.Type().Method(i)
		if slices.Contains(local, m.Name) || slices.Contains(unreachable, m.Name) {
			continue
		}
		if m.Type.Out(0) == reflect.TypeFor[Request]() {
			continue // it builds what Do sends, and Do is asked below
		}
		args := make([]reflect.Value, 0, 4)
		for j := 1; j < m.Type.NumIn(); j++ {
			arg := reflect.New(m.Type.In(j)).Elem()
			switch arg.Interface().(type) {
			case Request:
				arg.Set(reflect.ValueOf(Request{Method: "GET", Path: "/a/../b"}))
			default:
				switch {
				case m.Type.In(j) == reflect.TypeFor[context.Context]():
					arg.Set(reflect.ValueOf(t.Context()))
				case arg.Kind() == reflect.String:
					arg.SetString("..")
				}
			}
			args = append(args, arg)
		}
		out := v.Method(i).Call(args)
		last := out[len(out)-1]
		if last.Kind() == reflect.Func { // pages: the error is in the walk
			drained := false
			last.Call([]reflect.Value{reflect.MakeFunc(last.Type().In(0), func(in []reflect.Value) []reflect.Value {
				drained = true
				checkRefused(t, m.Name, in[1])
				return []reflect.Value{reflect.ValueOf(true)}
			})})
			if !drained {
				t.Errorf("%s gave neither page nor error", m.Name)
			}
			continue
		}
		checkRefused(t, m.Name, last)
	}
	if s.count() != 0 {
		t.Errorf("%d requests were sent", s.count())
	}
}

func checkRefused(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	err, ok := v.Interface().(error)
	if !ok || !errors.Is(err, ErrRefused) {
		t.Errorf("%s: %v", name, v.Interface())
	}
}

func TestTargets(t *testing.T) {
	for _, x := range []struct {
		site SiteID
		ids  []EndpointID
	}{{siteA, nil}, {siteA, []EndpointID{""}}, {"x", []EndpointID{idA}}, {siteA, []EndpointID{idA, "x"}}, {siteA, []EndpointID{idA + "," + idB}},
		{siteA, []EndpointID{" " + idA}}} {
		if _, err := NewTargets(x.site, x.ids); !errors.Is(err, ErrRefused) {
			t.Errorf("%q %q: %v", x.site, x.ids, err)
		}
	}
	got, err := NewTargets(SiteID(strings.ToUpper(string(siteA))), []EndpointID{idA, idA, idB})
	if err != nil || got.Len() != 2 || got.Site() != siteA {
		t.Fatal(got, err)
	}
	got.IDs()[0] = "x"
	if got.IDs()[0] != idA {
		t.Error("the ids can be changed from outside")
	}
	c, _, _ := scripted(t, nil)
	if _, err := c.CommandRequest(Targets{}, CommandScan, ""); !errors.Is(err, ErrRefused) {
		t.Error("the zero value passed", err)
	}
	for _, x := range []struct {
		command, parameters, sent string
		ok                        bool
	}{{"scan", "", "", true}, {"scan", "x", "", false}, {"sysisolate", "on", "on", true}, {"sysisolate", "", "", false}, {"sysisolate", "ON", "", false},
		{"changekeycode", "aaaabbbbccccddddeeee", "AAAA-BBBB-CCCC-DDDD-EEEE", true}, {"changekeycode", "x", "", false}, {"format", "", "", false}, {"Scan", "", "", false}} {
		r, err := c.CommandRequest(got, x.command, x.parameters)
		if (err == nil) != x.ok {
			t.Errorf("%s %s: %v", x.command, x.parameters, err)
			continue
		}
		if err != nil {
			continue
		}
		g, err := Inspect(r.Method, r.Path, "application/json", r.Body)
		if err != nil || g.Command != x.command || g.Parameters != x.sent || !slices.Equal(g.Endpoints, got.IDs()) {
			t.Errorf("%+v %v", g, err)
		}
	}
}

// lenient reads a list as careless servers do: names in any case, the first or the last of several.
func lenient(body []byte, first bool) (string, bool) {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return "", false
	}
	list, found := "", false
	for dec.More() {
		name, err := dec.Token()
		var v any
		if err != nil || dec.Decode(&v) != nil {
			return "", false
		}
		if text, _ := name.(string); strings.EqualFold(strings.TrimSpace(text), "EndpointsList") && (!found || !first) {
			list, _ = v.(string)
			found = true
		}
	}
	if _, err := dec.Token(); err != nil {
		return "", false
	}
	_, err := dec.Token()
	return list, errors.Is(err, io.EOF)
}

func checkInspect(t interface{ Fatalf(string, ...any) }, method, path, contentType string, body []byte) {
	g, err := Inspect(method, path, contentType, body)
	if err != nil {
		if !errors.Is(err, ErrRefused) || g.Reach != ReachNone {
			t.Fatalf("%v %+v", err, g)
		}
		return
	}
	if g.Reach != ReachListed {
		if len(g.Endpoints) != 0 {
			t.Fatalf("%+v", g)
		}
		return
	}
	if len(g.Endpoints) == 0 {
		t.Fatalf("no endpoints: %q", body)
	}
	for _, first := range []bool{true, false} {
		list, ok := lenient(body, first)
		var ids []EndpointID
		for _, part := range strings.Split(list, ",") {
			id := EndpointID(strings.ToLower(strings.Trim(part, " ")))
			if !IsGUID(string(id)) {
				t.Fatalf("%q is no GUID", part)
			}
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		if !ok || !slices.Equal(ids, g.Endpoints) {
			t.Fatalf("gate %v, server %v", g.Endpoints, ids)
		}
	}
}

func FuzzInspect(f *testing.F) {
	for _, m := range append(slices.Clone(listed), setWide...) {
		f.Add(m.method, siteRoot+m.path, "application/json", []byte(body(`"`+string(idA)+`"`)))
		f.Add(m.method, siteRoot+m.path, "application/json; charset=utf-8", []byte(`{"EndpointsList":"`+string(idA)+`","endpointslist":""}`))
	}
	f.Fuzz(func(t *testing.T, method, path, contentType string, body []byte) {
		checkInspect(t, method, path, contentType, body)
	})
}

// TestInspectProperty builds bodies near the edge, which blind fuzzing reaches late.
func TestInspectProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"EndpointsList", "endpointsList", "ENDPOINTSLIST", "EndpointsList ", `Endpoint\u0073List`, "Command", "x", "$id"})
		value := rapid.SampledFrom([]string{`"` + string(idA) + `"`, `"` + string(idA) + `, ` + string(idB) + `"`, `""`, "null", `" "`, `"all"`, "1", `[]`, `{}`,
			`{"EndpointsList":"` + string(idA) + `"}`, `"` + string(idA) + `,"`, `"\u0031` + string(idA)[1:] + `"`})
		var members []string
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			members = append(members, fmt.Sprintf(`"%s":%s`, name.Draw(t, "name"), value.Draw(t, "value")))
		}
		tail := rapid.SampledFrom([]string{"", " ", "x", "{}", "\x00"}).Draw(t, "tail")
		m := rapid.SampledFrom(listed).Draw(t, "method")
		checkInspect(t, m.method, siteRoot+m.path, "application/json", []byte("{"+strings.Join(members, ",")+"}"+tail))
	})
}
