// Command unguarded loads the keyring library without the guard. It shows that
// the test beside it can fail.
package main

import _ "github.com/99designs/keyring"

func main() {}
