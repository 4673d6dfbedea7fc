// Package secretserver reads the credentials of a Unity API sign-in from Delinea
// Secret Server, so that no password of the console lies on the machine.
//
// A Source signs in to Secret Server with a password grant, or with a bearer
// token that was given to it, reads the named fields of one secret and hands them
// over; nobody keeps the password. When the session is kept, it lives in the
// engine of package auth like any other chain of tokens: one lock, two slots, and
// a count of the refreshes that all processes share, since Secret Server lets a
// refresh token work once, lets it die 15 minutes after the session timeout, and
// allows only so many refreshes per sign-in.
package secretserver
