package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/itchyny/gojq"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/unitty/unitty/unity/unitytest"
)

func theSim(ts *testscript.TestScript) *testSim {
	sims, _ := ts.Value(simsOf{}).(*scriptSims)
	if sims == nil || len(sims.all) == 0 {
		ts.Fatalf("no simulator runs: start one with sim")
	}
	return sims.all[len(sims.all)-1]
}

// simCmd starts a simulator and sets the program's environment: sim [-user U] [-sites N] [-endpoints N] [-seed N] …
func simCmd(ts *testscript.TestScript, _ bool, args []string) {
	fs := flag.NewFlagSet("sim", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	o := unitytest.Options{Faults: map[string]float64{}}
	fs.StringVar(&o.User, "user", unitytest.UserSuper, "")
	fs.IntVar(&o.Sites, "sites", 6, "")
	fs.IntVar(&o.Endpoints, "endpoints", 120, "")
	fs.Uint64Var(&o.Seed, "seed", 1, "")
	fs.DurationVar(&o.Latency, "latency", 0, "")
	fs.DurationVar(&o.AccessTTL, "access-ttl", 0, "")
	fs.DurationVar(&o.PollWithin, "poll", 0, "")
	fs.Func("variant", "", func(v string) error { o.Variants = append(o.Variants, v); return nil })
	ts.Check(fs.Parse(args))
	s, err := newTestSim(o)
	ts.Check(err)
	sims, _ := ts.Value(simsOf{}).(*scriptSims)
	sims.all = append(sims.all, s)
	setFacts(ts, s)
	for _, kv := range s.environment(o.User) {
		ts.Setenv(kv[0], kv[1])
	}
}

// signinCmd sets the variables of another built-in user of the simulator that runs; "signin none" clears them.
func signinCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: signin super|limited|apionly|default|none")
	}
	for _, kv := range theSim(ts).environment(args[0]) {
		if args[0] == "none" {
			kv[1] = ""
		}
		ts.Setenv(kv[0], kv[1])
	}
}

// secretsCmd writes the credentials of a user as the JSON that --secrets-fd reads: secrets FILE [USER].
func secretsCmd(ts *testscript.TestScript, _ bool, args []string) {
	s := theSim(ts)
	c := s.Credentials()
	if len(args) > 1 {
		c = s.CredentialsOf(args[1])
	}
	raw, err := json.Marshal(map[string]string{"base_url": s.url, "gsm_key": c.GSMKey, "username": c.Username, "password": c.Password,
		"client_id": c.ClientID, "client_secret": c.ClientSecret})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), raw, 0o600))
}

// simctlCmd changes the simulated console.
func simctlCmd(ts *testscript.TestScript, _ bool, args []string) {
	s := theSim(ts)
	need := func(n int) {
		if len(args) != n+1 {
			ts.Fatalf("simctl %s takes %d arguments", args[0], n)
		}
	}
	switch args[0] {
	case "password":
		need(2)
		s.ChangePassword(args[1], args[2])
	case "revoke":
		need(1)
		s.RevokeTokens(args[1])
	case "fault":
		need(2)
		rate, err := strconv.ParseFloat(args[2], 64)
		ts.Check(err)
		ts.Check(s.SetFault(args[1], rate))
	case "variant":
		need(2)
		ts.Check(s.SetVariant(args[1], args[2] == "on"))
	case "advance":
		need(1)
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		s.Advance(d)
	case "break": // break PATTERN STATUS; an empty pattern ends it
		need(2)
		status, err := strconv.Atoi(args[2])
		ts.Check(err)
		s.mu.Lock()
		s.breaks, s.brokenStatus = nil, status
		if args[1] != "" {
			s.breaks = regexp.MustCompile(args[1])
		}
		s.mu.Unlock()
	case "lost": // lost on|off: after the first command, the sign-in is as good as none for commands
		need(1)
		s.loseSignIn(args[1] == "on")
	case "reset":
		need(0)
		s.ResetLog()
		s.mu.Lock()
		s.broken = nil
		s.mu.Unlock()
	case "insert": // insert SITE-ID NAME VARIABLE
		need(3)
		name, err := strconv.Unquote(`"` + args[2] + `"`)
		ts.Check(err)
		id, err := s.InsertEndpoint(args[1], name)
		ts.Check(err)
		ts.Setenv(args[3], id)
	case "poll":
		need(1)
		ts.Check(s.Poll(args[1]))
	case "rename":
		need(2)
		ts.Check(s.RenameEndpoint(args[1], args[2]))
	case "remove":
		need(1)
		ts.Check(s.RemoveEndpoint(args[1]))
	default:
		ts.Fatalf("simctl: %q is unknown", args[0])
	}
}

// simlogCmd counts the lines of the log that match: simlog [-count=N] PATTERN.
func simlogCmd(ts *testscript.TestScript, neg bool, args []string) {
	want := -1
	if len(args) == 2 {
		n, err := strconv.Atoi(strings.TrimPrefix(args[0], "-count="))
		ts.Check(err)
		want, args = n, args[1:]
	}
	s := theSim(ts)
	n := s.count(args[0])
	if want >= 0 && n != want || want < 0 && (n > 0) == neg {
		ts.Fatalf("%d lines match %q in the simulator's log:\n%s", n, args[0], strings.Join(s.lines(), "\n"))
	}
}

// cheapkeyCmd makes the key of the home's file store with the passphrase in a file: cheapkey FILE.
func cheapkeyCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: cheapkey FILE")
	}
	ts.Check(cheapKey(ts.Getenv("HOME"), strings.TrimSpace(ts.ReadFile(args[0]))))
}

// lastbodyCmd writes the body of the simulator's latest answer into a file.
func lastbodyCmd(ts *testscript.TestScript, _ bool, args []string) {
	s := theSim(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), s.last, 0o600))
}

// runCmd runs the program and wants an exit code: run [-raw] CODE ARGS…. Whatever it prints must not contain what a
// terminal would obey, and none of the passwords; -raw lifts the first for verbs that pass bytes on.
func runCmd(ts *testscript.TestScript, _ bool, args []string) {
	raw := len(args) > 0 && args[0] == "-raw"
	if raw {
		args = args[1:]
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("unitty", args[1:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	for _, stream := range []string{"stdout", "stderr"} {
		text := ts.ReadFile(stream)
		if bad := obeyed(text); bad != "" && !raw {
			ts.Fatalf("%s contains %s: %q", stream, bad, text)
		}
		for _, name := range []string{"UNITTY_PASSWORD", "UNITTY_CLIENT_SECRET"} {
			if v := ts.Getenv(name); v != "" && strings.Contains(text, v) {
				ts.Fatalf("%s contains the value of %s", stream, name)
			}
		}
	}
	if text := ts.ReadFile("stderr"); want != 0 && strings.TrimSpace(text) == "" {
		ts.Fatalf("exit code %d without a word on standard error", want)
	}
}

// obeyed names the first thing in a text that a terminal would obey, or "".
func obeyed(text string) string {
	if !utf8.ValidString(text) {
		return "broken UTF-8"
	}
	for _, r := range text {
		switch {
		case r == '\n':
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029', r == '\ufeff':
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}

// interruptCmd runs the program, interrupts it with its first call of the API under way and wants an exit code:
// interrupt CODE ARGS….
func interruptCmd(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	s := theSim(ts)
	select { // forget earlier calls
	case <-s.arrived:
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unitty", args[1:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), scriptEnv(ts)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	ts.Check(cmd.Start())
	select {
	case <-s.arrived:
		ts.Check(cmd.Process.Signal(os.Interrupt))
	case <-ctx.Done():
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d, want %d: %s", got, want, out.String())
	}
}

func scriptEnv(ts *testscript.TestScript) []string {
	var out []string
	for _, name := range []string{"PATH", "HOME", "XDG_RUNTIME_DIR", "TZ", "TERM", "UNITTY_KEYRING", "UNITTY_BASE_URL", "UNITTY_GSM_KEY", "UNITTY_USERNAME",
		"UNITTY_PASSWORD", "UNITTY_CLIENT_ID", "UNITTY_CLIENT_SECRET", "UNITTY_TEST_LOCK_DIR", detectorVariable} {
		out = append(out, name+"="+ts.Getenv(name))
	}
	return out
}

// jqCmd evaluates an expression on the JSON of standard output: jq EXPR WANT. Several results are joined by blanks; texts
// stand without quotes.
func jqCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: jq EXPR WANT")
	}
	q, err := gojq.Parse(args[0])
	ts.Check(err)
	var got []string
	for dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout"))); ; {
		var doc any
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			ts.Fatalf("standard output is no JSON: %v", err)
		}
		for it := q.Run(doc); ; {
			v, ok := it.Next()
			if !ok {
				break
			}
			if err, ok := v.(error); ok {
				ts.Fatalf("jq: %v", err)
			}
			if s, ok := v.(string); ok {
				got = append(got, s)
				continue
			}
			raw, err := gojq.Marshal(v)
			ts.Check(err)
			got = append(got, string(raw))
		}
	}
	if (strings.Join(got, " ") == args[1]) == neg {
		ts.Fatalf("jq %s gives %q, want %q (negated: %v)", args[0], strings.Join(got, " "), args[1], neg)
	}
}

// fieldsCmd wants the keys of the first object of standard output, in order: fields KEY…. "…" at the end allows more.
func fieldsCmd(ts *testscript.TestScript, _ bool, args []string) {
	dec := json.NewDecoder(strings.NewReader(strings.TrimLeft(ts.ReadFile("stdout"), "[\n ")))
	_, err := dec.Token()
	ts.Check(err)
	var got []string
	for dec.More() {
		tok, err := dec.Token()
		ts.Check(err)
		got = append(got, fmt.Sprint(tok))
		var skip json.RawMessage
		ts.Check(dec.Decode(&skip))
	}
	more := args[len(args)-1] == "…"
	if more {
		args = args[:len(args)-1]
		got = got[:min(len(got), len(args))]
	}
	if strings.Join(got, " ") != strings.Join(args, " ") {
		ts.Fatalf("keys %q, want %q", got, args)
	}
}

// linesCmd counts lines of a stream or file that match a pattern: lines FILE N PATTERN.
func linesCmd(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	re, got := regexp.MustCompile(args[2]), 0
	for _, l := range strings.Split(strings.TrimRight(ts.ReadFile(args[0]), "\n"), "\n") {
		if re.MatchString(l) {
			got++
		}
	}
	if got != n {
		ts.Fatalf("%d lines of %s match %q, want %d", got, args[0], args[2], n)
	}
}
