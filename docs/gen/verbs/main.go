// Verbs writes docs/verbs.md from the help texts of the built program, so that the page says what the program says.
//
//	go run ./docs/gen/verbs docs/verbs.md
package main

import "github.com/unitty/unitty/docs/gen/gen"

func main() { gen.Main("verbs", page) }
