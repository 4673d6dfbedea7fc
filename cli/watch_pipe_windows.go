package cli

import "context"

// readerGone never tells: here the end of the reader shows with the next line only.
func (a *app) readerGone(context.Context) <-chan struct{} { return nil }
