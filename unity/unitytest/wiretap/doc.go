// Package wiretap is an independent judge of what a program really sends to the Unity API.
//
// A [Proxy] stands between the program and a server, simulated or real. It records every call, so that a test can ask
// which changes reached the server, with which endpoint ids, and whether the program got to see the answer. By rule it
// breaks calls the way networks and gateways do: connections reset before or after the server has acted, HTML error
// pages, rate limits, cut-off and slow bodies. It can also rewrite every text the server sends into hostile text, while
// ids, keycodes, dates and tokens stay as they are, so that the program still works and its screen can be examined.
//
// The package knows nothing of the product and uses the standard library only.
package wiretap
