// Verbs writes docs/verbs.md from the help texts of the built program, so that the page says what the program says.
//
//	go run ./docs/gen/verbs docs/verbs.md
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: verbs FILE")
		os.Exit(2)
	}
	if err := write(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "verbs:", err)
		os.Exit(1)
	}
}

func write(ctx context.Context, file string) error {
	text, err := page(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
