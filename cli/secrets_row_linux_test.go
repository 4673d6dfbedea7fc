package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// TestRowNoFlagTakesASecret looks at every flag of every verb. Only a number of a descriptor and names of files may have
// to do with secrets: an argument list is seen by every user of the machine.
func TestRowNoFlagTakesASecret(t *testing.T) {
	a := &app{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}, env: func(string) string { return "" }}
	suspicious := regexp.MustCompile(`(?i)passw|passphrase|secret|token|credential|otp|bearer|authorization`)
	allowed := map[string]string{"secrets-fd": "int", "source-secret": "string"} // a descriptor; the id or path of a secret
	seen := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		look := func(f *pflag.Flag) {
			seen++
			kind, ok := allowed[f.Name]
			if suspicious.MatchString(f.Name) && (!ok || kind != f.Value.Type()) && f.Value.Type() != "bool" && !strings.HasSuffix(f.Name, "-file") {
				t.Errorf("%s --%s takes a %s", c.CommandPath(), f.Name, f.Value.Type())
			}
		}
		c.LocalFlags().VisitAll(look)
		c.PersistentFlags().VisitAll(look)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(a.command())
	if seen < 50 {
		t.Fatalf("only %d flags were seen", seen)
	}
}

// TestRowHardenedChild is not a test: it does what the program does first and tells what came of it.
func TestRowHardenedChild(t *testing.T) {
	if os.Getenv("UNITTY_TEST_HARDENED") == "" {
		t.Skip("a child process of another test")
	}
	hardenProcess()
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	var core unix.Rlimit
	if rerr := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil || rerr != nil {
		t.Fatal(err, rerr)
	}
	fmt.Printf("dumpable %d, core %d %d, umask %04o\n", dumpable, core.Cur, core.Max, unix.Umask(0))
}

// TestRowNoCoreDumpsAndNoTracing looks at what protects the memory of the process, and that a real run is so protected.
func TestRowNoCoreDumpsAndNoTracing(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRowHardenedChild$", "-test.v") //nolint:gosec // our own test binary
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "UNITTY_TEST_HARDENED=1", detector()}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "dumpable 0, core 0 0, umask 0077") {
		t.Errorf("%v: %s", err, out)
	}
	run := exec.CommandContext(t.Context(), "unitty", "simulate", "--sites", "1", "--endpoints", "1")
	run.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GOTRACEBACK=crash", detector()}
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = run.Process.Kill(); _ = run.Wait() }()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", run.Process.Pid))
	if err != nil || !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
		t.Errorf("%v\n%s", err, limits)
	}
	info, err := os.Stat(fmt.Sprintf("/proc/%d/mem", run.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	// The kernel gives the files of a process that cannot be dumped to root.
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 0 {
		t.Errorf("the memory of the process belongs to user %d", st.Uid)
	}
}

// TestRowProxyLearnsNothing sends a sign-in through a proxy that takes only CONNECT and turns it down. It learns the name
// of the host and nothing else, and its own password is in no message.
func TestRowProxyLearnsNothing(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var heard bytes.Buffer
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintf(&heard, "%s %s\n", r.Method, r.Host)
		_ = r.Header.Write(&heard)
		_, _ = heard.ReadFrom(r.Body)
		w.WriteHeader(http.StatusProxyAuthRequired)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	defer func() { _ = srv.Close(); <-done }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, "unitty", "site", "list", "--debug", home+"/debug.log")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "UNITTY_KEYRING=memory", locksIn(home), detector(), "HTTPS_PROXY=http://anna:canary-of-the-proxy@" + l.Addr().String()}
	secrets := []string{"canary-password", "canary-client-secret"}
	for name, value := range map[string]string{"BASE_URL": "https://unityapi.example", "GSM_KEY": "AAAA-BBBB-CCCC-DDDD-EEEE", "USERNAME": "ops@acme.example",
		"PASSWORD": secrets[0], "CLIENT_ID": "client_x@acme.example", "CLIENT_SECRET": secrets[1]} {
		cmd.Env = append(cmd.Env, "UNITTY_"+name+"="+value)
	}
	said, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the proxy was to be in the way: %s", said)
	}
	log, _ := os.ReadFile(home + "/debug.log") //nolint:gosec // a file of this test
	mu.Lock()
	defer mu.Unlock()
	if !strings.HasPrefix(heard.String(), "CONNECT unityapi.example:443\n") {
		t.Errorf("the proxy heard %q; the program says %s", heard.String(), said)
	}
	for _, secret := range append(secrets, "ops@acme.example") {
		if strings.Contains(heard.String(), secret) {
			t.Errorf("the proxy heard %q", secret)
		}
	}
	for _, secret := range append(secrets, "canary-of-the-proxy") {
		if bytes.Contains(said, []byte(secret)) || bytes.Contains(log, []byte(secret)) {
			t.Errorf("%q is in a message or the log: %s\n%s", secret, said, log)
		}
	}
}
