// Command guarded loads the guard and the keyring library the way unitty does,
// and prints what they made of the environment.
package main

import (
	"fmt"
	"os"

	"github.com/99designs/keyring"
	"github.com/unitty/unitty/auth/dbusguard"
)

func main() {
	guarded := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	dbusguard.Restore()
	restored, set := os.LookupEnv("DBUS_SESSION_BUS_ADDRESS")
	fmt.Printf("%v|%s|%s|%v", keyring.AvailableBackends(), guarded, restored, set)
}
