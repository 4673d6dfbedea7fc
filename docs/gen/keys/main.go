// Keys writes docs/keys.md from the declarations of all actions, so that the page cannot promise a key the program does not have.
//
//	go run ./docs/gen/keys docs/keys.md
package main

import (
	"context"

	"github.com/unitty/unitty/docs/gen/gen"
)

func main() { gen.Main("keys", func(context.Context) ([]byte, error) { return page(), nil }) }
