package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus"
	"github.com/unitty/unitty/auth/atomicfile"
	"github.com/unitty/unitty/auth/dbusguard"
)

// busSockets lists the sockets at which the session bus of a user may listen.
// Only unix sockets count: the other transports are not used for session buses
// any more, and autolaunch means starting one.
func busSockets(value string, uid int) []string {
	list := strings.Split(value, ";")
	if value == "" || onlyAutolaunch(list) {
		run := "/run/user/" + strconv.Itoa(uid)
		list = []string{"unix:path=" + run + "/bus"}
		if data, err := atomicfile.ReadForeign(run+"/dbus-session", 4096); err == nil {
			if rest, ok := strings.CutPrefix(string(data), "DBUS_SESSION_BUS_ADDRESS="); ok {
				list = append(list, strings.Split(strings.TrimRight(rest, "\r\n"), ";")...)
			}
		}
	}
	var sockets []string
	for _, address := range list {
		if name, ok := socketName(address); ok {
			sockets = append(sockets, name)
		}
	}
	return sockets
}

func onlyAutolaunch(list []string) bool {
	for _, a := range list {
		if a != "" && !strings.HasPrefix(a, "autolaunch:") {
			return false
		}
	}
	return true
}

// socketName takes the socket out of a unix address, with @ before the name of
// an abstract one.
func socketName(address string) (string, bool) {
	rest, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return "", false
	}
	for pair := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		if err != nil || value == "" {
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

// busThinkable reports without waiting whether there may be a session bus.
func busThinkable() bool {
	for _, name := range busSockets(dbusguard.Address(), os.Getuid()) {
		if strings.HasPrefix(name, "@") {
			return true
		}
		if _, err := os.Stat(name); err == nil {
			return true
		}
	}
	return false
}

// openBus connects to the first session bus that lets us in within the time.
func openBus(ctx context.Context, patience time.Duration) (*dbus.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, name := range busSockets(dbusguard.Address(), os.Getuid()) {
		if conn, err := dialBus(ctx, name); err == nil {
			return conn, nil
		}
	}
	return nil, errNoBus
}

// dialBus connects to one bus and introduces itself. A bus that says nothing is
// left when ctx ends.
func dialBus(ctx context.Context, socket string) (*dbus.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := raw.SetDeadline(deadline); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
	}
	conn, err := dbus.NewConn(raw)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	if err = conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Getuid()))}); err == nil {
		err = conn.Hello()
	}
	if err == nil {
		err = raw.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// busGone reports whether an error ends the connection and not just one call.
func busGone(err error) bool {
	return errors.Is(err, dbus.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// bus is a connection for calls to one service.
type bus struct {
	conn    *dbus.Conn
	service string
}

// call makes one call and stores the answer. A call that changes something waits
// for its answer however long it takes, because a late write may overtake a newer
// one; the actor's deadline tells the caller meanwhile.
func (b bus) call(path dbus.ObjectPath, method string, args, answer []any) error {
	c := b.conn.Object(b.service, path).Call(method, 0, args...)
	if c.Err != nil {
		return c.Err
	}
	if err := dbus.Store(c.Body, answer...); err != nil {
		return fmt.Errorf("%s gave an answer of another kind: %w", method, err)
	}
	return nil
}

// property reads one property.
func (b bus) property(path dbus.ObjectPath, iface, name string, into any) error {
	var v dbus.Variant
	if err := b.call(path, "org.freedesktop.DBus.Properties.Get", []any{iface, name}, []any{&v}); err != nil {
		return err
	}
	return dbus.Store([]any{v.Value()}, into)
}
