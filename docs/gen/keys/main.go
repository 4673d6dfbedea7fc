// Keys writes docs/keys.md from the declarations of all actions, so that the page cannot promise a key the program does not have.
//
//	go run ./docs/gen/keys docs/keys.md
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: keys FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], page(), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, "keys:", err)
		os.Exit(1)
	}
}
