package terminal

// needsTerm is false on Windows, where consoles set no TERM.
const needsTerm = false
