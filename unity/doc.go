// Package unity is a typed client of the Webroot Unity API.
//
// It owns identities, models, requests, paging, limits, retries, errors and decoding, the sanitised view of every text
// that comes from the server, and the gate that stands before every change. It knows nothing of terminals, of files or
// of how a token is obtained: a TokenSource is handed in.
//
// Section numbers in comments are those of the vendor's reference as compiled in docs/api.md.
package unity
