//go:build unix

// Command soak lets the whole program live for a long time in a console that never stands still, with a technician at its keys.
//
//	go run ./cli/soak                  # 30 minutes: memory and goroutines stay flat, and the dashboard is true at the end
//	go run ./cli/soak -quick           # the same in a minute and a half, in a small console
//	go run ./cli/soak -mode tenkeys    # cold and warm starts on a large console; any machine scanned in ten keys
//
// The program is this command itself, started again in a pseudo-terminal, where it calls cli.Main and nothing else. Beside it,
// a goroutine answers on a socket in a private folder how many goroutines there are and how much of the heap is alive; so
// nothing of that is in the product.
//
// While it runs, machines appear, leave, fall silent, get infected, are renamed, moved and deactivated, sites are made, renamed
// and suspended, access tokens live five seconds, and the server fails in all ways it knows. A technician, whose keys
// never change anything, looks through views, finds, filters, opens and marks. At the end all that stops, and what stands on the
// dashboard is compared with a plain count over the simulator's world that shares no code with the program.
package main
