//go:build unix

// Bigrun sends one command to a large console and has a recording proxy judge what became of it. It builds unitty, serves
// a simulated console of 1500 sites and 50,000 endpoints that takes 80 ms per call and allows so many calls per second,
// and puts between the two a proxy that refuses some calls with 429 and cuts some connections. Then it runs
//
//	unitty command send scan --where 'seen:<7d type:pc' --dry-run -o json
//	unitty command send scan --where 'seen:<7d type:pc' --yes --expect N -o json
//
// and compares what unitty says with the proxy's record and with the console's own list of commands:
//
//	every machine got the command once at most, and none that was not planned got it
//	every planned machine has an outcome, and the outcome is true
//	there were no more changes than the sum over sites of ⌈machines ÷ 100⌉, plus those that the server refused
//	the second run took at most 1.6 times as long as the server's rate demands for its calls
//
// It is started in the checkout, prints a table, and ends with exit code 1 when one of these does not hold. Time is judged
// in the large form only: in the small one (-quick: 100 sites, 2,000 endpoints) starting the program and the pauses before
// reading again outweigh the calls.
package main
