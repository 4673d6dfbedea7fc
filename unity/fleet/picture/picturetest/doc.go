// Package picturetest makes random pictures for tests and measurements. What it makes looks like the consoles of real
// customers: names such as DESKTOP-7F3K2L1, a few groups and policies, machine ids of 150 bytes.
package picturetest
