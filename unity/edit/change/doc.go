// Package change prepares changes of sites, groups and admins: it reads the object as it is, builds the one request, says what
// it touches and how to find out whether it arrived, and reads the object again afterwards. Screens and verbs share it, so
// that a key and a verb do the same.
package change
