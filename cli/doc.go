// Package cli is the command line: verbs and flags, configuration and profiles, the wiring of everything below, and the
// plain outputs.
package cli
