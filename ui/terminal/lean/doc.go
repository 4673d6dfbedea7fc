// Package lean thins out what is sent to a terminal. The library that draws sends a changed line from its first changed cell to its
// last one, whatever is the same in between, and a line with a wide character in every frame. A Screen keeps what the terminal
// shows and leaves out what would change nothing: cells that are there already become a short move of the cursor.
//
// The terminal ends up as if it had got everything. What is not understood is passed on, and makes the Screen forget what it
// thought it knew; nothing that it does not know is ever left out.
package lean
