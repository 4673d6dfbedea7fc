// Package entry is the way into a simulated API for tests and measuring programs: a source of tokens that knows the password,
// and a transport without sockets, so that time can be simulated too. What it does is the least that a client needs; how a
// program stays signed in is judged elsewhere.
package entry
