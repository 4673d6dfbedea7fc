// Package auth keeps one user of the Unity API signed in: it spends a password
// once, lives on rotating refresh tokens afterwards, keeps them in a secret
// store and shares them with every other process of the same user.
//
// The server invalidates a refresh token as soon as it issues the next one, and
// it knows no grace. A token that is spent without its successor being saved
// ends the session, so everything in this package is arranged around one
// critical section:
//
//	lock → re-read → adopt a newer generation, or prove that the store can be
//	written → note what is about to happen → refresh → save to the other slot →
//	publish → unlock
//
// The package knows nothing of the resources of the API, of screens or of
// configuration files.
package auth
