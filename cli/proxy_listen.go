package cli

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/atomicfile"
	"github.com/unitty/unitty/unity"
)

// maxConnections is how many connections the proxy serves at once.
const maxConnections = 64

// maxSocketPath is what every system takes as the path of a socket.
const maxSocketPath = 100

// doorListener is where the proxy listens. It lets only this user's processes through.
type doorListener struct {
	net.Listener
	// peer gives the user at the other end of a connection; nil where the bearer decides.
	peer  func(*net.UnixConn) (uint32, error)
	slots chan struct{}
	line  proxyLine
	hosts []string
	// bearer is what requests have to carry; empty on a socket.
	bearer  auth.Secret
	cleanup []func()
}

// openDoor listens where the flags say.
func openDoor(ctx context.Context, env func(string) string, s *settings, f proxyFlags) (*doorListener, error) {
	dir := runDir(env, s.paths)
	if f.socket == "" && f.listen == "" && runtime.GOOS == "windows" {
		f.listen = "127.0.0.1:0"
	}
	if f.listen != "" {
		return openLoopback(ctx, f.listen, filepath.Join(dir, "proxy-"+s.Profile))
	}
	path, err := filepath.Abs(firstOf(f.socket, filepath.Join(dir, "proxy-"+s.Profile+".sock")))
	if err != nil {
		return nil, usagef("--socket: %v", err)
	}
	return openSocket(ctx, path, f.socket == "")
}

// runDir is the folder of things that last as long as a process: the user's runtime folder, else one beside the state.
func runDir(env func(string) string, p paths) string {
	if dir := env("XDG_RUNTIME_DIR"); runtime.GOOS != "windows" && filepath.IsAbs(dir) && atomicfile.CheckDir(dir) == nil {
		return filepath.Join(dir, "unitty")
	}
	return filepath.Join(p.State, "run")
}

// openSocket listens on a Unix socket in a private folder.
func openSocket(ctx context.Context, path string, own bool) (*doorListener, error) {
	if len(path) > maxSocketPath {
		return nil, usagef("the path of the socket is too long (%d bytes, %d at most); name a shorter one by --socket", len(path), maxSocketPath)
	}
	l := &doorListener{peer: peerUID, slots: make(chan struct{}, maxConnections), hosts: []string{"localhost", "unitty"}}
	err := privateFolder(filepath.Dir(path), own)
	if err == nil {
		err = l.lock(path + ".lock")
	}
	if err == nil {
		err = removeStale(path)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	var lc net.ListenConfig
	l.Listener, err = lc.Listen(ctx, "unix", path)
	if err != nil {
		l.close()
		return nil, fmt.Errorf("proxy: %w", err)
	}
	if u, ok := l.Listener.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // somebody else's socket may lie there by then
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.close()
		return nil, fmt.Errorf("proxy: %w", err)
	}
	mine, err := os.Lstat(path)
	if err != nil {
		l.close()
		return nil, fmt.Errorf("proxy: %w", err)
	}
	l.cleanup = append(l.cleanup, func() {
		if now, err := os.Lstat(path); err == nil && os.SameFile(now, mine) {
			_ = os.Remove(path)
		}
	})
	l.line = proxyLine{BaseURL: "http://localhost", Socket: path}
	return l, nil
}

// privateFolder makes unitty's own folder and only checks one that the user named.
func privateFolder(dir string, own bool) error {
	check := atomicfile.CheckDir
	if own {
		check = atomicfile.EnsureDir
	}
	if err := check(dir); err != nil {
		return refusedf("refused: the folder of the proxy has to be private: %s", unity.Clean(err.Error()))
	}
	return nil
}

// removeStale takes away the socket of a proxy that ended by force. The caller holds the lock, so there is no other one.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return refusedf("refused: %s is there and is no socket", unity.Clean(path))
	}
	return os.Remove(path)
}

// openLoopback listens on a loopback address and makes the bearer of this run.
func openLoopback(ctx context.Context, listen, base string) (*doorListener, error) {
	l := &doorListener{slots: make(chan struct{}, maxConnections)}
	err := checkLoopback(listen)
	if err == nil {
		err = privateFolder(filepath.Dir(base), true)
	}
	if err == nil {
		err = l.lock(base + ".lock")
	}
	if err != nil {
		l.close()
		return nil, err
	}
	var lc net.ListenConfig
	if l.Listener, err = lc.Listen(ctx, "tcp", listen); err != nil {
		l.close()
		return nil, usagef("--listen: %v", err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok || !addr.IP.IsLoopback() {
		l.close()
		return nil, refusedf("refused: the proxy listens on loopback only")
	}
	l.hosts = []string{addr.String(), net.JoinHostPort("localhost", strconv.Itoa(addr.Port))}
	l.line = proxyLine{BaseURL: "http://" + addr.String(), BearerFile: base + ".bearer", HeaderFile: base + ".header"}
	if err := l.makeBearer(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// checkLoopback refuses names: what they resolve to may change.
func checkLoopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return usagef("--listen takes an address like 127.0.0.1:8080")
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return refusedf("refused: the proxy listens on loopback only, by address: 127.0.0.1:PORT or [::1]:PORT")
	}
	return nil
}

// makeBearer writes the two files, which go away with the proxy.
func (l *doorListener) makeBearer() error {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	l.bearer = auth.NewSecret(base64.RawURLEncoding.EncodeToString(raw))
	for _, file := range [][2]string{{l.line.BearerFile, l.bearer.Reveal()}, {l.line.HeaderFile, "Authorization: Bearer " + l.bearer.Reveal() + "\n"}} {
		if err := atomicfile.Write(file[0], []byte(file[1])); err != nil {
			return fmt.Errorf("proxy: %w", err)
		}
		l.cleanup = append(l.cleanup, func() { _ = os.Remove(file[0]) })
	}
	return nil
}

// lock makes sure that no other proxy serves the same place. The file stays: removing it would let two hold "the" lock.
func (l *doorListener) lock(path string) error {
	file := flock.New(path, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDWR|atomicfile.NoFollow))
	ok, err := file.TryLock()
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("proxy: %w", err)
	}
	if !ok {
		_ = file.Close()
		return refusedf("refused: another unitty proxy of this profile runs already (it holds %s)", unity.Clean(path))
	}
	l.cleanup = append(l.cleanup, func() { _ = file.Unlock() })
	return nil
}

// close ends the listening and takes the files away; the lock goes last.
func (l *doorListener) close() {
	if l.Listener != nil {
		_ = l.Close()
	}
	for i := len(l.cleanup) - 1; i >= 0; i-- {
		l.cleanup[i]()
	}
	l.cleanup = nil
}

// Accept waits for a connection of this user. One of another user, or of nobody knows whom, is closed.
func (l *doorListener) Accept() (net.Conn, error) {
	for {
		l.slots <- struct{}{}
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.slots
			return nil, err
		}
		if l.peer == nil || l.ours(c) {
			return &slotConn{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
		}
		_ = c.SetDeadline(time.Now())
		_ = c.Close()
		<-l.slots
	}
}

// ours tells whether the other end of a connection is a process of this user; the administrator is somebody else.
func (l *doorListener) ours(c net.Conn) bool {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	uid, err := l.peer(u)
	return err == nil && int64(uid) == int64(os.Geteuid())
}

// slotConn gives its place back when it is closed.
type slotConn struct {
	net.Conn
	free func()
}

// Close ends the connection.
func (c *slotConn) Close() error {
	c.free()
	return c.Conn.Close()
}
