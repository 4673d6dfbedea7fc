package auth

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/godbus/dbus"
)

// listenBus makes a socket whose server behaves as serve says.
func listenBus(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // socket paths must be short
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
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
			serve(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done; _ = os.RemoveAll(dir) })
	return path
}

// welcome plays the first part of a bus, up to the answer to the first call.
func welcome(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch line = strings.Trim(line, "\x00\r\n"); {
		case line == "AUTH":
			_, _ = io.WriteString(c, "REJECTED EXTERNAL\r\n")
		case strings.HasPrefix(line, "AUTH EXTERNAL "):
			_, _ = io.WriteString(c, "OK 1234\r\n")
		case line == "BEGIN":
			hello, err := dbus.DecodeMessage(in)
			if err != nil {
				return
			}
			reply := &dbus.Message{Type: dbus.TypeMethodReply, Body: []any{":1.7"}, Headers: map[dbus.HeaderField]dbus.Variant{
				dbus.FieldReplySerial: dbus.MakeVariant(hello.Serial()),
				dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(":1.7"))}}
			// A message that is encoded by hand carries no serial, which readers mind only at the bus.
			_ = reply.EncodeTo(c, binary.LittleEndian)
			_, _ = in.ReadByte() // until the client leaves
			return
		}
	}
}

func TestBusesThatDoNotLetUsInAreLeft(t *testing.T) {
	closing := listenBus(t, func(net.Conn) {})
	rude := listenBus(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	for name, socket := range map[string]string{"none": "/nonexistent/bus", "closing": closing, "no bus": rude} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if conn, err := dialBus(ctx, socket); err == nil {
			t.Errorf("%s: let in", name)
			_ = conn.Close()
		} else if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: waited for", name)
		}
		cancel()
	}
	mute := listenBus(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := dialBus(ctx, mute); err == nil {
		t.Error("a bus that says nothing let us in")
	}
}

func TestBusThatAnswersIsTaken(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := dialBus(ctx, listenBus(t, welcome))
	if err != nil {
		t.Fatal(err)
	}
	if names := conn.Names(); !slices.Contains(names, ":1.7") {
		t.Errorf("known as %v", names)
	}
	_ = conn.Close()
}

func TestBusAddresses(t *testing.T) {
	for in, want := range map[string]string{"unix:path=/a": "/a", "unix:guid=1,path=/a%20b": "/a b", "unix:abstract=/x": "@/x", "unix:tmpdir=/tmp": "", "unix:path=%zz": "", "unix:path=%2": "", "autolaunch:": "", "tcp:host=x": ""} {
		if got, _ := socketName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for value, want := range map[string][]string{
		"unix:path=/a;tcp:host=x;unix:abstract=b": {"/a", "@b"},
		"autolaunch:":             {"/run/user/4242/bus"},
		"autolaunch:scope=*user;": {"/run/user/4242/bus"},
		"":                        {"/run/user/4242/bus"},
		"nonsense":                nil,
	} {
		if got := busSockets(value, 4242); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// TestPinnedKeychainIsUsedOnlyWhenItIsNeeded opens a keychain that hangs. Opening
// does not touch it, and the first access may take as long as a person needs.
func TestPinnedKeychainIsUsedOnlyWhenItIsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		opens := 0
		open := func(string) (Store, error) {
			return newKeyringStore("secret-service", 0, func(context.Context) (ring, error) {
				opens++
				<-let
				return nil, errLocked
			}), nil
		}
		s, refused, err := Choose(t.Context(), ChooseOptions{Pinned: "secret-service", Interactive: true, open: open})
		if err != nil || refused != nil || opens != 0 {
			t.Fatalf("%v %v, opened %d times", err, refused, opens)
		}
		defer func() { _ = s.Close() }()
		begin := time.Now()
		if _, err := s.Get(t.Context(), "v1-x"); !errors.Is(err, errUnresponsive) || time.Since(begin) != interactiveDeadline {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		close(let)
		synctest.Wait()
		if _, _, err := Choose(t.Context(), ChooseOptions{Name: "secret-service", Pinned: "secret-service", Interactive: true, open: open}); !errors.Is(err, ErrStore) || !errors.Is(err, errLocked) {
			t.Errorf("a store that is named is proven: %v", err)
		}
	})
}

// breakingRing loses its connection once.
type breakingRing struct {
	ring
	lost   bool
	closed *int
}

func (b *breakingRing) broken(err error) bool { return busGone(err) }
func (b *breakingRing) close()                { *b.closed++ }
func (b *breakingRing) Remove(string) error {
	if b.lost {
		return io.EOF
	}
	return nil
}

func TestLostConnectionsAreMadeAgain(t *testing.T) {
	opens, closed := 0, 0
	s := newKeyringStore("secret-service", 0, func(context.Context) (ring, error) {
		opens++
		return &breakingRing{lost: opens == 1, closed: &closed}, nil
	})
	if err := s.Delete(t.Context(), "v1-x"); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "v1-x"); err != nil || opens != 2 || closed != 1 {
		t.Fatalf("%v, opened %d times, closed %d times", err, opens, closed)
	}
	_ = s.Close()
}
