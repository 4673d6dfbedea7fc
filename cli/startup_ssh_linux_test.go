package cli

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/unitty/unitty/ui/terminal/ptytest"
)

// sshLogin is a connection of the real ssh to a real sshd on loopback, over which programs are started. Both have keys of
// their own, and the server belongs to an ordinary user.
type sshLogin struct {
	dir, control string
	user         *user.User
	uid, gid     uint32
	groups       []uint32
}

// sshPrograms are what a connection needs; sshd wants to be called by its whole path.
func sshPrograms(t *testing.T) (ssh, sshd string) {
	t.Helper()
	sshd = "/usr/sbin/sshd"
	if path, err := exec.LookPath("sshd"); err == nil {
		sshd = path
	}
	for _, name := range []string{"ssh", "ssh-keygen", sshd} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed, so no start over ssh was tried", name)
		}
	}
	return "ssh", sshd
}

// sshUser is who the server runs as: who runs the tests or, when that is root, the first ordinary user that can log in.
func sshUser(t *testing.T) *user.User {
	t.Helper()
	if os.Getuid() != 0 {
		u, err := user.Current()
		if err != nil || u.Username == "" {
			t.Skipf("this user has no entry in the password database, so no start over ssh was tried: %v", err)
		}
		return u
	}
	raw, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Skipf("the password database cannot be read, so no start over ssh was tried: %v", err)
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 7 {
			continue
		}
		if uid, err := strconv.Atoi(f[2]); err == nil && uid >= 1000 && uid < 60000 && strings.HasSuffix(f[6], "sh") {
			return &user.User{Uid: f[2], Gid: f[3], Username: f[0], HomeDir: f[5]}
		}
	}
	t.Skip("root runs the tests and there is no ordinary user with a shell, so no start over ssh was tried")
	return nil
}

// ttyGroup is the group that sshd gives its terminals to. Where the kernel does not do that by itself, an ordinary user has
// to be in it.
func ttyGroup(t *testing.T) []uint32 {
	t.Helper()
	g, err := user.LookupGroup("tty")
	if err != nil {
		return nil // then sshd leaves terminals as they are
	}
	if os.Getuid() == 0 {
		return []uint32{number(t, g.Gid)}
	}
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = master.Close(), slave.Close() }()
	info, err := slave.Stat()
	if err != nil {
		t.Fatal(err)
	}
	mine, err := os.Getgroups()
	if st, ok := info.Sys().(*syscall.Stat_t); err != nil || ok && st.Gid != number(t, g.Gid) && !slices.Contains(mine, int(number(t, g.Gid))) {
		t.Skip("terminals do not belong to the group tty here and this user is not in it, so sshd makes none and no start over ssh was tried")
	}
	return nil
}

// sshToHere connects to a server of its own.
func sshToHere(t *testing.T) *sshLogin {
	t.Helper()
	ssh, sshd := sshPrograms(t)
	u := sshUser(t)
	dir, err := os.MkdirTemp("", "ssh") // not below a folder that only this user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &sshLogin{dir: dir, control: filepath.Join(dir, "control"), user: u, uid: number(t, u.Uid), gid: number(t, u.Gid), groups: ttyGroup(t)}
	for _, key := range []string{"host", "key"} {
		output(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", filepath.Join(dir, key))
	}
	s.write(t, "authorized", s.read(t, "key.pub"))
	s.write(t, "known", "* "+s.read(t, "host.pub"))
	s.write(t, "config", "HostKey "+filepath.Join(dir, "host")+"\nAuthorizedKeysFile "+filepath.Join(dir, "authorized")+
		"\nPidFile none\nStrictModes no\nUsePAM no\nUseDNS no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPrintMotd no\nPrintLastLog no\n")
	for _, name := range []string{"", "host", "authorized", "config"} {
		if err := os.Chown(filepath.Join(dir, name), int(s.uid), int(s.gid)); err != nil {
			t.Fatal(err)
		}
	}
	s.connect(t, ssh, s.serve(t, sshd))
	return s
}

func number(t *testing.T, s string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func (s *sshLogin) read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func (s *sshLogin) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// output runs a command that has to succeed.
func output(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// serve takes connections on a free port of loopback and gives each to a server, and returns the port. The servers end with
// their connections.
func (s *sshLogin) serve(t *testing.T, sshd string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			cmd := exec.Command(sshd, "-i", "-e", "-f", filepath.Join(s.dir, "config")) //nolint:noctx // it ends with its connection
			if os.Getuid() == 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: s.uid, Gid: s.gid, Groups: s.groups}}
			}
			if tcp, ok := c.(*net.TCPConn); ok {
				if f, err := tcp.File(); err == nil {
					cmd.Stdin, cmd.Stdout = f, f
					if cmd.Start() == nil {
						go func() { _ = cmd.Wait() }()
					}
					_ = f.Close()
				}
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// connect opens the connection that all sessions share, so that what is measured is the start of the program and not the
// handshake, and waits until it is there.
func (s *sshLogin) connect(t *testing.T, ssh, port string) {
	t.Helper()
	in := func(name string) string { return filepath.Join(s.dir, name) }
	cmd := exec.Command(ssh, "-F", "none", "-N", "-M", "-S", s.control, "-i", in("key"), "-p", port, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", //nolint:noctx // it is ended by the cleanup
		"-o", "UserKnownHostsFile="+in("known"), "-o", "StrictHostKeyChecking=yes", "-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo connected", s.user.Username+"@127.0.0.1")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said, _ := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(said) != "connected" {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.Fatalf("no connection: %q\n%s", said, errs.String())
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
}

// firstPaint starts a program over the connection, gives the time until a text is on the screen, and ends it.
func (s *sshLogin) firstPaint(t *testing.T, bin, text string, env ...string) (time.Duration, ptytest.Screen) {
	t.Helper()
	home := filepath.Join(s.dir, "home-"+strconv.FormatInt(time.Now().UnixNano(), 36))
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, int(s.uid), int(s.gid)); err != nil {
		t.Fatal(err)
	}
	command := strings.Join(append(append([]string{"exec", "env", "HOME=" + home}, env...), bin), " ")
	begin := time.Now()
	term := ptytest.Start(t, "ssh", []string{"-F", "none", "-tt", "-S", s.control, "127.0.0.1", command}, ptytest.Opt{W: 160, H: 30, Mute: true, Deadline: 30 * time.Second})
	screen := term.WaitText(text)
	took := time.Since(begin)
	term.Keys("ctrl+c", "ctrl+c")
	term.Exit()
	return took, screen
}

// TestFirstPaintOverSSH starts the program in sessions of sshd, where there is no session bus and no runtime folder. It is
// compared with an empty program of the same libraries on the same connection.
func TestFirstPaintOverSSH(t *testing.T) {
	s, bin := sshToHere(t), ""
	noUserBus(t, s.user.Uid)
	for _, p := range []struct{ name, from string }{{"empty", ""}, {"unitty", program(t)}} {
		bin = filepath.Join(s.dir, p.name)
		if p.from == "" {
			output(t, "go", "build", "-o", bin, "./testdata/emptytea")
		} else if err := os.Link(p.from, bin); err != nil { // a copy would be open for writing while others fork
			t.Fatal(err)
		}
	}
	mark := "UNITTY_TEST_MARK=" + s.dir
	var base, took []time.Duration
	for range paintRuns {
		d, _ := s.firstPaint(t, filepath.Join(s.dir, "empty"), "painted", mark)
		base = append(base, d)
		d, _ = s.firstPaint(t, bin, firstWords, mark, "UNITTY_KEYRING=memory")
		took = append(took, d)
	}
	reference, got := median(base), median(took)
	t.Logf("over ssh as %s: empty program %.1f ms, unitty %.1f ms, %.2f ×", s.user.Username, ms(reference), ms(got), float64(got)/float64(reference))
	if float64(got) > paintBound*float64(reference) {
		t.Errorf("%v, more than %.0f × %v", got, paintBound, reference)
	}
	if best := slices.Min(took); best > startBound {
		t.Errorf("even the fastest start took %v", best)
	}
	_, screen := s.firstPaint(t, bin, "Where shall the sign-in be kept?", mark)
	for _, want := range []string{"secret-service cannot be used: there is no session bus", "encrypted file"} {
		if !screen.Contains(want) {
			t.Errorf("%q is missing:\n%s", want, screen)
		}
	}
	if left := leftBehind(t, mark); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	t.Logf("nothing is left behind by %d starts", 2*paintRuns+1)
}
