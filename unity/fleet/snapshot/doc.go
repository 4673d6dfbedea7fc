// Package snapshot keeps the picture of a console on disk, so that the first screen need not wait for the server. It is a
// cache: whatever is wrong with a file, the console is read from the server instead.
//
// A file is a header and a chain of frames. Each frame is compressed and sealed with AES-256-GCM under a key of its own
// file, derived from the key in the secret store and a random salt; its number in the chain is the nonce, and the header
// and what the file belongs to (base URL, console, user) are authenticated with it. So a frame that was changed, left
// out, doubled or moved from another file is noticed, and the end marker shows where a file was cut.
package snapshot
