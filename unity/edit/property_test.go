package edit

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// anyValue draws a value that is valid for a field, in any way of writing it.
func anyValue(t *rapid.T, f Field, all Values) string {
	switch f.Kind {
	case Number:
		return rapid.SampledFrom([]string{"1", "007", " 25", "1500"}).Draw(t, f.Name)
	case YesNo:
		return rapid.SampledFrom([]string{"yes", "no", "TRUE", "false", "1", "0"}).Draw(t, f.Name)
	case Choice, Level:
		return rapid.SampledFrom(f.Options).Draw(t, f.Name)
	case Emails:
		return rapid.SampledFrom([]string{"a@b.example", "c@d.example, a@b.example", "a@b.example;c@d.example"}).Draw(t, f.Name)
	case Policy:
		return rapid.SampledFrom([]string{"5c7e9e1b-8d1f-4b9a-8a77-1f7f0a5f2b10", "0A1B2C3D-0000-4000-8000-00000000ABCD"}).Draw(t, f.Name)
	case Modules:
		return rapid.SampledFrom([]string{"", "DNSP", "dnsp=full", "WSAT=Trial,DNSP=Full", "DNSP=off"}).Draw(t, f.Name)
	case Text, Lines:
	}
	if f.Name == "BillingDate" {
		of := map[string][]string{Annually: {"Aug 14", "jan 1"}, Quarterly: {"Feb 3", "mar 28"}, Monthly: {"1", "28"}, Weekly: {"7", "01"}}
		return rapid.SampledFrom(of[f.option(all["BillingCycle"])]).Draw(t, f.Name)
	}
	return rapid.SampledFrom([]string{"Rita", " Harbour ", "日本 K", "a@b.example"}).Draw(t, f.Name)
}

func anyValues(t *rapid.T, f Form) Values {
	v := Values{}
	for _, field := range f.Fields {
		if field.Name == "EmailAddress" {
			v[field.Name] = "r@a.example"
			continue
		}
		v[field.Name] = anyValue(t, field, v)
	}
	return v
}

// TestAnEditSendsOnlyWhatChanged holds random edits against the body: its members are the changed fields, nothing else, and
// an edit to the same values sends none.
func TestAnEditSendsOnlyWhatChanged(t *testing.T) {
	for _, f := range []Form{SiteEdit(), GroupEdit(), AdminEdit()} {
		rapid.Check(t, func(t *rapid.T) {
			before, after := anyValues(t, f), anyValues(t, f)
			for _, field := range f.Fields {
				if rapid.Bool().Draw(t, "same "+field.Name) {
					after[field.Name] = before[field.Name]
				}
				if rapid.Bool().Draw(t, "leave out "+field.Name) {
					delete(after, field.Name)
				}
			}
			delete(before, "Inheritance")
			raw, err := f.EditBody(before, after)
			if err != nil {
				t.Fatal(err)
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal(raw, &members); err != nil {
				t.Fatal(err)
			}
			for name := range members {
				field, _ := f.Field(name)
				a, set := f.Tidy(after)[name]
				b := f.Tidy(before)[name]
				inherited := after["Inheritance"] != "" && after["Inheritance"] != InheritKeep && name == "PolicyId"
				if !inherited && (!set || field.same(a, b)) {
					t.Fatalf("%s was sent: %q before, %q after (set: %v)", name, b, a, set)
				}
			}
			for name, a := range f.Tidy(after) {
				field, _ := f.Field(name)
				b, had := f.Tidy(before)[name]
				_, sent := members[name]
				if changed := !had && a != "" || had && !field.same(a, b); changed && !sent && field.beside == "" {
					t.Fatalf("%s was not sent: %q before, %q after", name, b, a)
				}
			}
			same := f.Merge(before, after)
			delete(same, "Inheritance")
			if raw, err = f.EditBody(same, same); err != nil || string(raw) != "{}" {
				t.Fatalf("the same values send %s (%v)", raw, err)
			}
			if d := f.Diff(before, after); len(d) != len(members) {
				t.Fatalf("%d members, but the difference shows %v", len(members), d)
			}
		})
	}
}

// TestTidyIsStable: what was tidied is tidy, and means what it meant.
func TestTidyIsStable(t *testing.T) {
	for _, f := range []Form{SiteCreate(), SiteEdit(), GroupCreate(), GroupEdit(), AdminCreate(), AdminEdit(), AdminGrant()} {
		rapid.Check(t, func(t *rapid.T) {
			v := anyValues(t, f)
			once := f.Tidy(v)
			twice := f.Tidy(once)
			for name := range once {
				if once[name] != twice[name] {
					t.Fatalf("%s: %q, then %q", name, once[name], twice[name])
				}
			}
			if a, b := f.Validate(v), f.Validate(once); !slices.Equal(a, b) {
				t.Fatalf("%v, tidied %v", a, b)
			}
		})
	}
}

// FuzzValues: no text makes a form fail in another way than by saying so, and what it accepts becomes JSON.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"", "Harbour", "40", "a@b.example", "Monthly", "Aug 14", "DNSP=Full", "\x1b[2J", "99999999999999999999", "\xff", "Feb 29"} {
		f.Add(s)
	}
	forms := []Form{SiteCreate(), SiteEdit(), GroupCreate(), GroupEdit(), AdminCreate(), AdminEdit(), AdminGrant()}
	f.Fuzz(func(t *testing.T, s string) {
		for _, form := range forms {
			for _, field := range form.Fields {
				v := Values{field.Name: s}
				bad := false
				for _, p := range form.Validate(v) {
					bad = bad || p.Field == field.Name
				}
				raw, err := form.Body(v)
				if !bad && (err != nil || !json.Valid(raw)) {
					t.Fatalf("%s accepts %q and writes %s (%v)", field.Name, s, raw, err)
				}
			}
		}
	})
}
