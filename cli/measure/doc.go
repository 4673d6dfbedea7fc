//go:build unix

// Measure measures the speed of unitty, each number in the same run as its yardstick, and prints one table: what was
// measured, its value, the yardstick, the ratio, the budget, and whether the budget holds. A budget that does not hold
// makes the command end with exit code 1. It is started in the checkout, as it builds the programs that it measures:
//
//	go run ./cli/measure [-quick] [-markdown] [-only filter,screen]
//
// Numbers are worth something only while the machine has nothing else to do; the load average is printed for that.
//
//	filter    one key in the filter line at 10,000 to 1,000,000 endpoints, against grep -cF and a scan of memory
//	fuzzy     find any machine, against fzf --filter
//	sort      a new order of a list, against sort
//	memory    the most memory of a process that loads or syncs a console, per endpoint
//	growth    loading, filtering and scrolling at 1,000 to 1,000,000 endpoints, in processes of their own, and what an endpoint costs
//	snapshot  writing and loading the picture on disk, against reading the same bytes
//	sync      a whole console, against the same calls one after another
//	start     start to the first useful screen, against an empty program of the same libraries
//	screen    bytes and time of keys on the real program in a pseudo-terminal, against less and fzf
//	idle      what the real program does while nobody touches it, once it has read everything
package main
