package dispatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/unitty/unitty/unity/unitytest"
)

func entries(t *testing.T, path string) (out []Entry) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n")) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		out = append(out, e)
	}
	return out
}

func TestAJobLeavesIntentAndOutcome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "audit.jsonl")
	const evil = "PC\x1b]52;c;cm0=\x07\u009b2J\u202egnp.exe\x7f\u200b\r\n経理\U000e0041"
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 3)
		if err := l.sim.RenameEndpoint(string(refs[0].ID), evil); err != nil {
			t.Fatal(err)
		}
		p := l.plan(t, "restart", refs, PlanOptions{})
		if _, err := p.Run(t.Context(), l.client, RunOptions{Audit: NewAudit(path, "main", true), Note: "T-1"}); err != nil {
			t.Fatal(err)
		}
		all := entries(t, path)
		if len(all) != 2 || all[0].Event != "intent" || all[1].Event != "outcome" || all[0].Job == "" || all[0].Job != all[1].Job {
			t.Fatalf("the audit is %+v", all)
		}
		for _, e := range all {
			if e.Profile != "main" || e.Note != "T-1" || e.Action != "endpoint.restart" || e.User != l.creds.Username || len(e.Targets) != 3 || e.OSUser == "" || e.Host == "" || e.Time.IsZero() {
				t.Errorf("an entry is %+v", e)
			}
			if e.Targets[0].HostName != evil {
				t.Errorf("the raw name is lost: %q", e.Targets[0].HostName)
			}
			if name := refs[1].SiteName.Raw(); name == "" || e.Targets[1].SiteName != name {
				t.Errorf("the customer is %q, not %q", e.Targets[1].SiteName, name)
			}
		}
		if all[0].Targets[1].State != "" || all[1].Targets[1].State != Sent {
			t.Errorf("states are %q before and %q after", all[0].Targets[1].State, all[1].Targets[1].State)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{l.creds.Password, l.creds.ClientSecret, l.Current()} {
			if secret == "" || bytes.Contains(raw, []byte(secret)) {
				t.Errorf("the audit holds a secret, or there is none to look for")
			}
		}
		for _, r := range string(raw) {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%U stands in the audit as it is", r)
			}
		}
		if !bytes.Contains(raw, []byte("経理")) {
			t.Error("letters of other scripts are escaped too")
		}
	})
	for name, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestARequiredAuditFailsClosed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, required := range []bool{true, false} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			p := l.plan(t, "scan", l.pick(t, 0, 1), PlanOptions{})
			_, err := p.Run(t.Context(), l.client, RunOptions{Audit: NewAudit(filepath.Join(file, "audit.jsonl"), "main", required)})
			if (err != nil) != required || (len(l.sent()) == 0) != required {
				t.Errorf("required %v: %v, %d requests", required, err, len(l.sent()))
			}
			if !required {
				return
			}
			if _, err := p.Run(t.Context(), l.client, RunOptions{}); err != nil || len(l.sent()) != 1 {
				t.Errorf("a plan that was stopped before it began cannot be run: %v", err)
			}
		})
	}
	var none *Audit
	if none.Required() || none.Write(Entry{}) != nil {
		t.Error("no audit writes nothing and requires nothing")
	}
}

func TestAuditRefusesSymbolicLinksAndNarrowsFiles(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "audit.jsonl")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := NewAudit(link, "p", false).Write(Entry{Event: "api"}); err == nil {
		t.Error("an audit is written through a symbolic link")
	}
	if info, err := os.Stat(target); err != nil || info.Size() != 0 {
		t.Errorf("the target of the link has %d bytes", info.Size())
	}
	wide := filepath.Join(dir, "wide.jsonl")
	if err := errors.Join(os.WriteFile(wide, nil, 0o600), os.Chmod(wide, 0o644)); err != nil { //nolint:gosec // too wide on purpose
		t.Fatal(err)
	}
	if err := NewAudit(wide, "p", false).Write(Entry{Event: "api"}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(wide); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a file that others could read stays so: %v", info.Mode())
	}
}

// TestATornLineSpoilsNoOther leaves half a line, as a full disk does.
func TestATornLineSpoilsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	a := NewAudit(path, "p", true)
	for _, action := range []string{"first", "torn", "second", "third"} {
		if err := a.Write(Entry{Event: "api", Action: action}); err != nil {
			t.Fatal(err)
		}
		if action != "torn" {
			continue
		}
		info, err := os.Stat(path)
		if err == nil {
			err = os.Truncate(path, info.Size()-20)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the test's own file
	if err != nil {
		t.Fatal(err)
	}
	var whole []string
	for _, line := range strings.Split(strings.TrimRight(string(raw), "\n"), "\n") {
		var e Entry
		if json.Unmarshal([]byte(line), &e) == nil {
			whole = append(whole, e.Action)
		}
	}
	if !slices.Equal(whole, []string{"first", "second", "third"}) {
		t.Errorf("readable are %q of %q", whole, raw)
	}
}

func TestAnAuditThatIsNotRequiredIsMissed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		var said []error
		a := NewAudit(filepath.Join(file, "audit.jsonl"), "main", false)
		a.Complain(func(err error) { said = append(said, err) })
		if _, err := l.plan(t, "scan", l.pick(t, 0, 1), PlanOptions{}).Run(t.Context(), l.client, RunOptions{Audit: a}); err != nil || len(said) != 2 {
			t.Errorf("%v, said %v", err, said)
		}
	})
}

func TestAuditTurnsOverAndKeepsFive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	a := NewAudit(path, "p", true)
	for i := range auditKept + 2 {
		big := append([]byte(strings.Repeat("x", i+1)+"\n"), make([]byte, auditSize)...)
		if err := os.WriteFile(path, big, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := a.Write(Entry{Event: "api", Note: "after turn"}); err != nil {
			t.Fatal(err)
		}
		if e := entries(t, path); len(e) != 1 || e[0].Note != "after turn" {
			t.Fatalf("after turn %d: %+v", i, e)
		}
	}
	names, err := filepath.Glob(path + "*")
	if err != nil || len(names) != auditKept+1 {
		t.Fatalf("%d files: %q", len(names), names)
	}
	for i := 1; i <= auditKept; i++ { // the newest is .1
		raw, err := os.ReadFile(path + "." + string(rune('0'+i)))
		if first, _, _ := bytes.Cut(raw, []byte("\n")); err != nil || len(first) != auditKept+3-i {
			t.Errorf("file %d is turn %d, %v", i, len(first), err)
		}
	}
}
