// Package picture is the whole console at one moment: every machine of every site as columns, small enough for a million
// of them, with the scans that filter, find and count them.
//
// Everything in it is immutable and safe for concurrent use. A Builder makes the Chunk of one site; a Picture holds the
// chunks and shares them with the pictures made from it, so whoever reads goes on reading the one it has.
package picture
