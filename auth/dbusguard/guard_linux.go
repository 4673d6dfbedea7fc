package dbusguard

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	variable = "DBUS_SESSION_BUS_ADDRESS"
	// nowhere cannot be made by an ordinary user, so that nothing ever answers.
	nowhere = "unix:path=/nonexistent/unitty-no-session-bus"
	// patience bounds connecting and the answer to the first line together.
	patience = 250 * time.Millisecond
)

// before is the variable as the program found it. It is written once, before
// main starts.
var before, wasSet = os.LookupEnv(variable)

// The result is a variable only so that the look happens while the package is
// initialised.
var _ = guard()

// guard sets the variable to the first address that answers, or to nowhere.
func guard() bool {
	address := firstAnswering(candidates(before, os.Getuid()), patience)
	if address == "" {
		address = nowhere
	}
	return os.Setenv(variable, address) == nil
}

// Restore gives the variable back its old value, for child processes. It must
// not be called before the keyring library has been initialised, which every
// function that runs from main on satisfies.
func Restore() {
	if wasSet {
		_ = os.Setenv(variable, before)
		return
	}
	_ = os.Unsetenv(variable)
}

// candidates lists the addresses that the keyring library would use. The
// autolaunch transport is left out: it means dbus-launch.
func candidates(value string, uid int) []string {
	if value != "" && !onlyAutolaunch(value) {
		return strings.Split(value, ";")
	}
	run := "/run/user/" + strconv.Itoa(uid)
	list := []string{"unix:path=" + run + "/bus"}
	if data, err := os.ReadFile(run + "/dbus-session"); err == nil {
		if rest, ok := strings.CutPrefix(string(data), variable+"="); ok {
			list = append(list, strings.Split(strings.TrimRight(rest, "\r\n"), ";")...)
		}
	}
	return list
}

func onlyAutolaunch(value string) bool {
	for _, a := range strings.Split(value, ";") {
		if a != "" && !strings.HasPrefix(a, "autolaunch:") {
			return false
		}
	}
	return true
}

func firstAnswering(list []string, limit time.Duration) string {
	deadline := time.Now().Add(limit)
	for _, address := range list {
		if name, ok := socketName(address); ok && answers(name, deadline) {
			return address
		}
	}
	return ""
}

// socketName takes the socket out of a unix address. Other transports are not
// used for session buses any more, and cannot be looked at without the net
// package.
func socketName(address string) (string, bool) {
	rest, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return "", false
	}
	for _, pair := range strings.Split(rest, ",") {
		key, value, _ := strings.Cut(pair, "=")
		value = unescape(value)
		if value == "" {
			continue
		}
		switch key {
		case "path":
			return value, true
		case "abstract":
			return "@" + value, true
		}
	}
	return "", false
}

// unescape resolves the %xx of D-Bus addresses; a broken one gives nothing.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return ""
		}
		v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return ""
		}
		b.WriteByte(byte(v))
		i += 2
	}
	return b.String()
}

// answers connects and says hello the way a client does, and reports whether
// anything comes back in time.
func answers(name string, deadline time.Time) bool {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer func() { _ = syscall.Close(fd) }()
	hello := []byte("\x00AUTH EXTERNAL " + hexDigits(strconv.Itoa(os.Getuid())) + "\r\n")
	reply := make([]byte, 64)
	connect := func() (int, error) { return 1, syscall.Connect(fd, &syscall.SockaddrUnix{Name: name}) }
	send := func() (int, error) { return syscall.Write(fd, hello) }
	receive := func() (int, error) { return syscall.Read(fd, reply) }
	return attempt(fd, deadline, connect) && attempt(fd, deadline, send) && attempt(fd, deadline, receive)
}

// attempt makes one call on a socket within the deadline and reports whether it
// moved anything. Calls with a time limit are not restarted after a signal, and
// the runtime sends itself signals.
func attempt(fd int, deadline time.Time, call func() (int, error)) bool {
	for limitTime(fd, deadline) {
		n, err := call()
		switch {
		case err == nil, errors.Is(err, syscall.EISCONN):
			return n > 0
		case errors.Is(err, syscall.EINTR):
			continue
		}
		return false
	}
	return false
}

// limitTime bounds the next call on a socket by what is left.
func limitTime(fd int, deadline time.Time) bool {
	left := time.Until(deadline)
	if left <= 0 {
		return false
	}
	tv := syscall.NsecToTimeval(left.Nanoseconds())
	return syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &tv) == nil &&
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv) == nil
}

func hexDigits(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(digits[s[i]>>4])
		b.WriteByte(digits[s[i]&15])
	}
	return b.String()
}
