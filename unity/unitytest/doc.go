// Package unitytest is a simulated Webroot Unity API: an http.Handler with a
// believable console behind it, agents that poll, strict token rotation, and
// faults and variants that can be switched on by name.
//
// It serves tests, the demo and the stand-alone simulator alike. It imports
// only the standard library and knows no client, so that a client tested
// against it cannot share a misunderstanding with it.
//
// Nothing runs in the background. The state of the world is a function of the
// seed, the requests and the clock; it is brought up to date at each request,
// so a test moves months ahead with Advance and sees the same world each time.
//
// Whatever the vendor's documentation leaves open is a named variant (see
// Variants), never a silent decision.
package unitytest
