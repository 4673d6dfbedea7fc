// Package ptytest runs a built program in a real pseudo-terminal and judges what it does there.
//
// A [Term] owns the pseudo-terminal, the process and a screen emulator. Output flows into the emulator, the emulator's
// answers to terminal queries flow back to the program, and every raw byte is kept. Tests press keys and wait for the
// screen to reach a state; waiting is driven by output, never by polling, and every wait has a deadline.
//
// Three parts need no process: [Scan] and [Audit] read a recorded byte stream and name each control sequence in it,
// [SVG] draws a [Screen] as a picture for documentation.
//
// The package is for tests and for the commands that make documentation. Nothing in the product imports it.
package ptytest
