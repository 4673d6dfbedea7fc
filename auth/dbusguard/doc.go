// Package dbusguard keeps the keyring library from talking to D-Bus while the
// program is being loaded.
//
// That library connects to the session bus in two init functions. Without a bus
// it executes dbus-launch, which leaves a daemon behind in every run; with a bus
// that does not answer, even --version hangs. This package points
// DBUS_SESSION_BUS_ADDRESS at a place where there is none, so that nothing is
// tried and nothing is waited for. Whoever wants the session bus takes its
// address from here and connects when it is needed, with a deadline.
//
// Go initialises packages in the order of their import paths as soon as their
// imports are ready. The keyring library waits for golang.org/x/term, which
// waits for everything that this package imports; so this package, whose path
// sorts before golang.org, is always first. It must therefore import nothing but
// what golang.org/x/term needs anyway: in particular not net.
package dbusguard
