package unity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// aSite is a record as servers send it.
const aSite = `{"SiteId":"0A1B2C3D-4e5f-6071-8293-a4b5c6d7e8f9","SiteName":"Harbour Dental","SiteType":"MSP","TotalEndpoints":42,"PCsInfected24":0,
	"AccountKeyCode":"AB12-CD34-EF56-GH78-JK90","DevicesAllowed":45,"MobileSeats":0,"Deactivated":false,"Suspended":false,"EndDate":"2027-01-31T00:00:00",
	"Device":false,"Infect":false,"BillingCycle":"Annually","BillingDate":"Jan 2","CompanyComments":"","DeactivatedBy":null,"SuspendedBy":null,
	"CreatedBy":"kim@example.com","GlobalPolicies":true,"GlobalOverrides":true,"GlobalAlerts":true,"AllKeysExpired":false,"Description":"Full",
	"PolicyId":"00000000-0000-4000-8000-000000000001","PolicyName":"Recommended","PolicyDescription":"as \u0022recommended\u0022","Emails":"a@example.com,b@example.com",
	"AccessLevel":128,"Modules":[{"Type":"DNSP","Seats":"10","LicenseType":"Full","EndDate":null}],"Vendor":{"x":[1,2]}}`

// slowSite reads a record with encoding/json alone.
func slowSite(raw []byte) (Site, error) {
	return decodeRow(func(s *Site) *Record { return &s.Record })(raw)
}

// TestQuickSite holds that a record of the usual form is read at once, with all its members.
func TestQuickSite(t *testing.T) {
	quick, ok := quickSite([]byte(aSite))
	slow, err := slowSite([]byte(aSite))
	if !ok || err != nil || !reflect.DeepEqual(quick, slow) {
		t.Fatalf("%v, %v:\n%+v\n%+v", ok, err, quick, slow)
	}
	v := reflect.ValueOf(quick)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).IsZero() && !strings.Contains(" CompanyComments DeactivatedBy SuspendedBy ", " "+name+" ") {
			t.Errorf("%s is not read", name)
		}
	}
}

// TestSiteNames holds that no member of a site counts as foreign, in any case.
func TestSiteNames(t *testing.T) {
	for _, name := range memberNames() {
		if foreign([]byte(name)) || foreign([]byte(strings.ToUpper(name))) || foreign([]byte(strings.ToLower(name))) {
			t.Errorf("%s counts as foreign", name)
		}
	}
}

// memberNames are the JSON names of a site's fields.
func memberNames() (out []string) {
	for f := range reflect.TypeFor[Site]().Fields() {
		switch tag := f.Tag.Get("json"); tag {
		case "-":
		case "":
			out = append(out, f.Name)
		default:
			out = append(out, tag)
		}
	}
	return out
}

// TestQuickSiteEqualsSlow holds that whatever quickSite reads, encoding/json reads the same from it.
func TestQuickSiteEqualsSlow(t *testing.T) {
	names := rapid.OneOf(rapid.SampledFrom(memberNames()), rapid.SampledFrom(memberNames()), rapid.SampledFrom(memberNames()),
		rapid.SampledFrom([]string{"Vendor", "siteid", "SITENAME", "\\u0053iteName", "ſiteName", "Site Name", "", "Keycode", "Record", "ID"}))
	values := rapid.SampledFrom([]string{`"text"`, `""`, `" x "`, `"caf\u00e9"`, `"a\"b"`, "\"\xff\"", `null`, `0`, `12`, `-3.5`, `"7"`, `1e9`, `true`, `false`, `"true"`,
		`"2027-01-31T00:00:00Z"`, `"AB12CD34EF56GH78JK90"`, `{}`, `[]`, `{"a":[1,"}"]}`, `[1]`, `[{"Type":"DNSP","Seats":3}]`, `[{"Type":5}]`, ` [ { "Type" : "WSAT" , "EndDate" : "2027-01-31" } , {} ] `, `[{"LicenseType":"Full","seats":1}]`, `"\ud800"`})
	blanks := rapid.SampledFrom([]string{"", "", " ", "\n\t"})
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		b.WriteString(blanks.Draw(t, "blank") + "{")
		for i := range rapid.IntRange(0, 12).Draw(t, "members") {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `%s"%s"%s:%s`, blanks.Draw(t, "blank"), names.Draw(t, "name"), blanks.Draw(t, "blank"), values.Draw(t, "value"))
		}
		b.WriteString("}" + rapid.SampledFrom([]string{"", "", "", " ", "x", "}"}).Draw(t, "end"))
		same(t, []byte(b.String()))
	})
}

func same(t fataler, raw []byte) {
	quick, ok := quickSite(bytes.Clone(raw))
	if !ok {
		return
	}
	slow, err := slowSite(bytes.Clone(raw))
	if err != nil || !reflect.DeepEqual(quick, slow) {
		t.Fatalf("%s: %v\n%+v\n%+v", raw, err, quick, slow)
	}
}

// fataler is what testing.T and rapid.T share.
type fataler interface {
	Fatalf(format string, args ...any)
}

// FuzzQuickSite reads anything.
func FuzzQuickSite(f *testing.F) {
	f.Add([]byte(aSite))
	f.Add([]byte(`{"SiteId":5}`))
	f.Fuzz(func(t *testing.T, raw []byte) { same(t, raw) })
}

func BenchmarkSiteRow(b *testing.B) {
	for _, way := range []struct {
		name string
		read func([]byte) bool
	}{
		{"quick", func(raw []byte) bool { _, ok := quickSite(raw); return ok }},
		{"encoding/json", func(raw []byte) bool { _, err := slowSite(raw); return err == nil }},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			raw := json.RawMessage(aSite)
			for b.Loop() {
				if !way.read(raw) {
					b.Fatal("the record is not read")
				}
			}
		})
	}
}
