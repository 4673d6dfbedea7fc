package dbusguard

import "os"

const (
	variable = "DBUS_SESSION_BUS_ADDRESS"
	// nowhere cannot be made by an ordinary user, so that nothing ever answers.
	nowhere = "unix:path=/nonexistent/unitty-no-session-bus"
)

// before is the variable as the program found it. It is written once, before
// main starts.
var before, wasSet = os.LookupEnv(variable)

// The result is a variable only so that this happens while the package is
// initialised.
var _ = os.Setenv(variable, nowhere)

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

// Address is the variable as the program found it, empty when it was not set.
func Address() string { return before }
