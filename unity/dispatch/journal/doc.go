// Package journal keeps append-only files of checksummed lines, one per job, that survive a crash at any moment: what was
// appended is on the disk before Append returns, one process at a time holds a file, and a file that was cut anywhere is
// either read up to its last whole line or refused.
package journal
