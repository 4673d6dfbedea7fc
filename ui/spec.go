package ui

// The scopes of built-in actions are the first words of their ids: app is reachable everywhere, table and text in lists and
// texts, pane where screens stand side by side; the others belong to one kind of overlay or entry and hide everything else.

// Builtins lists the specs of the shell's own actions, for help, for [keys] and for the generated page of keys.
func Builtins() []Spec {
	out := append(appSpecs(), tableSpecs()...)
	return append(out, entrySpecs()...)
}

func appSpecs() []Spec {
	return []Spec{
		{ID: "app.help", Title: "help", Help: "Lists everything that can be done here, with keys; Enter does it.", Keys: []string{"?"}},
		{ID: "app.palette", Title: "commands", Help: "Finds any action or command by name.", Keys: []string{":"}},
		{ID: "app.find", Title: "find", Help: "Finds any machine of the console by any of its names.", Keys: []string{"ctrl+p", "f"}, Hint: 90},
		{ID: "app.back", Title: "back", Help: "Clears the filter, else goes back to the screen before. Never clears marks.", Keys: []string{"esc", "h", "left"}},
		{ID: "app.leave", Title: "back or quit", Help: "Goes back; on the first screen it quits.", Keys: []string{"q"}},
		{ID: "app.previous", Title: "previous screen", Help: "Goes back in the history of screens.", Keys: []string{"["}},
		{ID: "app.next", Title: "next screen", Help: "Goes forward again in the history of screens.", Keys: []string{"]"}},
		{ID: "app.home", Title: "first screen", Help: "Goes to the first screen."},
		{ID: "app.reload", Title: "reload", Help: "Reads the screen again from the server.", Keys: []string{"r"}},
		{ID: "app.jobs", Title: "jobs", Help: "Shows running and finished changes with the result for every machine.", Keys: []string{"J"}},
		{ID: "app.profile", Title: "profile", Help: "Switches to another profile; running jobs go on.", Keys: []string{"P"}},
		{ID: "app.messages", Title: "messages", Help: "Lists all messages since the start.", Keys: []string{"M"}},
		{ID: "app.problem", Title: "details", Help: "Shows the details of the latest problem, with request id and retry.", Keys: []string{"d"}},
		{ID: "app.dismiss", Title: "dismiss", Help: "Takes the messages off the screen.", Keys: []string{"x"}},
		{ID: "app.calls", Title: "API calls", Help: "Shows the latest API calls; Enter copies one as a curl command.", Keys: []string{"L"}},
		{ID: "app.signin", Title: "sign in", Help: "Opens the sign-in steps.", Keys: []string{"f2"}},
		{ID: "app.redraw", Title: "redraw", Help: "Draws the whole screen again.", Keys: []string{"ctrl+l"}},
		{ID: "app.cancel", Title: "cancel", Help: "Cancels what runs; twice quits.", Keys: []string{"ctrl+c"}},
		{ID: "app.suspend", Title: "suspend", Help: "Puts the program into the background.", Keys: []string{"ctrl+z"}},
		{ID: "app.quit", Title: "quit", Help: "Quits; a live job is named and asked about first."},
	}
}

func tableSpecs() []Spec {
	return []Spec{
		{ID: "table.up", Title: "up", Help: "Moves one row up.", Keys: []string{"up", "k"}},
		{ID: "table.down", Title: "down", Help: "Moves one row down.", Keys: []string{"down", "j"}},
		{ID: "table.page-up", Title: "page up", Help: "Moves one page up.", Keys: []string{"pgup"}},
		{ID: "table.page-down", Title: "page down", Help: "Moves one page down.", Keys: []string{"pgdown", "ctrl+f"}},
		{ID: "table.half-up", Title: "half a page up", Help: "Moves half a page up.", Keys: []string{"ctrl+u"}},
		{ID: "table.half-down", Title: "half a page down", Help: "Moves half a page down.", Keys: []string{"ctrl+d"}},
		{ID: "table.top", Title: "top", Help: "Moves to the first row.", Keys: []string{"home", "g"}},
		{ID: "table.bottom", Title: "bottom", Help: "Moves to the last row.", Keys: []string{"end", "G"}},
		{ID: "table.open", Title: "open", Help: "Opens the row.", Keys: []string{"enter", "l", "right"}, Hint: 1},
		{ID: "table.filter", Title: "filter", Help: "Narrows the list while typing; Enter keeps the filter, Esc clears it.", Keys: []string{"/"}, Hint: 80},
		{ID: "table.mark", Title: "mark", Help: "Marks the row or takes the mark away.", Keys: []string{"space"}, Hint: 81},
		{ID: "table.range", Title: "range", Help: "Marks every row the cursor passes, until pressed again.", Keys: []string{"v"}},
		{ID: "table.mark-shown", Title: "mark all shown", Help: "Marks all rows that are shown.", Keys: []string{"a"}},
		{ID: "table.invert", Title: "invert marks", Help: "Swaps marked and unmarked among the rows that are shown.", Keys: []string{"A"}},
		{ID: "table.marked-only", Title: "marked only", Help: "Shows marked rows only, until pressed again.", Keys: []string{"*"}},
		{ID: "table.unmark", Title: "clear marks", Help: "Takes all marks away, also those of rows that are not shown.", Keys: []string{"u"}},
		{ID: "table.sort", Title: "sort", Help: "Sorts by a column; the order before stays as the second key. The same column again turns it round.", Keys: []string{"o"}},
		{ID: "table.columns", Title: "columns", Help: "Chooses which columns are shown.", Keys: []string{"C"}},
		{ID: "table.copy", Title: "copy", Help: "Copies a cell, the row, an id or the marked names.", Keys: []string{"y"}},
		{ID: "table.export", Title: "export", Help: "Writes the shown or the marked rows to a private CSV or JSON file.", Keys: []string{"e"}},
		{ID: "table.raw", Title: "raw", Help: "Shows the row as the API sent it.", Keys: []string{"w"}},
		{ID: "table.problems", Title: "what is missing", Help: "Lists what could not be loaded.", Keys: []string{"!"}},
		{ID: "board.right", Title: "column to the right", Help: "Among numbers: moves to the column on the right, as long as there is one.", Keys: []string{"right"}},
		{ID: "board.left", Title: "column to the left", Help: "Among numbers: moves to the column on the left, as long as there is one.", Keys: []string{"left"}},
		{ID: "pane.next", Title: "next pane", Help: "Moves to the next pane.", Keys: []string{"tab"}, Hint: 82},
		{ID: "pane.previous", Title: "previous pane", Help: "Moves to the pane before.", Keys: []string{"shift+tab"}},
	}
}

func entrySpecs() []Spec {
	return []Spec{
		{ID: "filter.accept", Title: "keep filter", Help: "Keeps the filter and goes back to the rows.", Keys: []string{"enter"}, Hint: 1},
		{ID: "filter.leave", Title: "clear filter", Help: "Clears the filter and goes back to the rows.", Keys: []string{"esc"}, Hint: 2},
		{ID: "filter.complete", Title: "complete", Help: "Completes the word.", Keys: []string{"tab"}, Hint: 3},
		{ID: "filter.up", Title: "up", Help: "Moves one row up while the filter is typed.", Keys: []string{"up"}},
		{ID: "filter.down", Title: "down", Help: "Moves one row down while the filter is typed.", Keys: []string{"down"}},
		{ID: "pick.up", Title: "up", Help: "Moves one line up.", Keys: []string{"up"}},
		{ID: "pick.down", Title: "down", Help: "Moves one line down.", Keys: []string{"down"}},
		{ID: "pick.page-up", Title: "page up", Help: "Moves one page up.", Keys: []string{"pgup"}},
		{ID: "pick.page-down", Title: "page down", Help: "Moves one page down.", Keys: []string{"pgdown"}},
		{ID: "pick.act", Title: "act here", Help: "In find: gives the keys to the chosen hit, so that its actions work without opening it; again types.", Keys: []string{"tab"}, Hint: 3},
		{ID: "pick.accept", Title: "choose", Help: "Takes the line.", Keys: []string{"enter"}, Hint: 1},
		{ID: "pick.close", Title: "close", Help: "Closes the list.", Keys: []string{"esc"}, Hint: 2},
		{ID: "form.enter", Title: "next field", Help: "Goes to the next field; in the last one it sends the form.", Keys: []string{"enter"}, Hint: 1},
		{ID: "form.next", Title: "next field", Help: "Goes to the next field, from the last one to the first.", Keys: []string{"tab"}, Hint: 2},
		{ID: "form.previous", Title: "field before", Help: "Goes to the field before, from the first one to the last.", Keys: []string{"shift+tab"}, Hint: 3},
		{ID: "form.option", Title: "next choice", Help: "In a field of choices: takes the next one.", Keys: []string{"right"}, Hint: 4},
		{ID: "form.option-before", Title: "choice before", Help: "In a field of choices: takes the one before.", Keys: []string{"left"}, Hint: 5},
		{ID: "form.leave", Title: "close", Help: "Closes the form and drops what was typed.", Keys: []string{"esc"}, Hint: 6},
		{ID: "line.confirm", Title: "send", Help: "Sends the change named in the footer; any other key cancels.", Keys: []string{"y"}, Hint: 1},
		{ID: "dialog.confirm", Title: "yes", Help: "Confirms the question, whichever button has the focus.", Keys: []string{"y"}},
		{ID: "dialog.refuse", Title: "cancel", Help: "Closes the question; nothing is changed.", Keys: []string{"esc", "n", "q"}, Hint: 2},
		{ID: "dialog.press", Title: "press button", Help: "Presses the button that has the focus.", Keys: []string{"enter"}, Hint: 1},
		{ID: "dialog.move", Title: "other button", Help: "Moves to the other button.", Keys: []string{"tab", "shift+tab", "left", "right"}, Hint: 3},
		{ID: "dialog.up", Title: "scroll up", Help: "Scrolls the text up.", Keys: []string{"up", "k"}},
		{ID: "dialog.down", Title: "scroll down", Help: "Scrolls the text down.", Keys: []string{"down", "j"}},
		{ID: "dialog.page-up", Title: "page up", Help: "Scrolls one page up.", Keys: []string{"pgup"}},
		{ID: "dialog.page-down", Title: "page down", Help: "Scrolls one page down.", Keys: []string{"pgdown"}},
		{ID: "problem.retry", Title: "retry", Help: "Does again what failed.", Keys: []string{"r"}, Hint: 1},
		{ID: "problem.copy", Title: "copy", Help: "Copies the whole problem for a ticket.", Keys: []string{"y"}, Hint: 2},
		{ID: "problem.close", Title: "close", Help: "Closes the details.", Keys: []string{"esc", "q", "enter"}, Hint: 3},
		{ID: "problem.up", Title: "scroll up", Help: "Scrolls up.", Keys: []string{"up", "k"}},
		{ID: "problem.down", Title: "scroll down", Help: "Scrolls down.", Keys: []string{"down", "j"}},
		{ID: "jobs.next", Title: "next job", Help: "Shows the next job.", Keys: []string{"tab"}, Hint: 11},
		{ID: "jobs.previous", Title: "job before", Help: "Shows the job before.", Keys: []string{"shift+tab"}},
		{ID: "jobs.list", Title: "all jobs", Help: "Lists all jobs with their states and results; Enter shows one.", Keys: []string{"L"}, Hint: 8},
		{ID: "jobs.open", Title: "show", Help: "In the list of all jobs: shows the job.", Keys: []string{"enter", "l", "right"}, Hint: 7},
		{ID: "jobs.cancel", Title: "cancel job", Help: "Stops sending while a job runs; what is sent stays sent.", Keys: []string{"x"}, Hint: 1},
		{ID: "jobs.hasten", Title: "copy poll command", Help: "Copies what makes the agent fetch its commands at once, when typed at the machine.", Keys: []string{"y"}, Hint: 13},
		{ID: "jobs.copy", Title: "copy results", Help: "Copies the results, one machine a line.", Keys: []string{"Y"}},
		{ID: "jobs.resume", Title: "resume", Help: "Goes on with a job that was interrupted or cancelled; what may have been sent is never sent again.", Keys: []string{"r"}, Hint: 2},
		{ID: "jobs.retry", Title: "retry failed", Help: "Makes a new job of the machines that failed.", Keys: []string{"f"}, Hint: 3},
		{ID: "jobs.resend", Title: "resend unknown", Help: "Makes a new job of the machines that failed, and of those whose outcome is unknown and of whose change the server shows nothing: it may arrive twice.", Keys: []string{"F"}, Hint: 4},
		{ID: "jobs.elapsed", Title: "send elapsed again", Help: "Makes a new job of the machines whose agents let the command elapse.", Keys: []string{"E"}, Hint: 5},
		{ID: "jobs.revert", Title: "revert", Help: "Makes a new job that takes this one back, where there is an inverse.", Keys: []string{"u"}, Hint: 9},
		{ID: "jobs.step", Title: "next step", Help: "Starts the steps of a combined action that were not begun when it was left.", Keys: []string{"n"}, Hint: 6},
		{ID: "jobs.save-failed", Title: "save failed", Help: "Writes the machines that were not sent to for certain into a file, as --from reads it.", Keys: []string{"w"}, Hint: 14},
		{ID: "jobs.export", Title: "export results", Help: "Writes the results as CSV.", Keys: []string{"e"}, Hint: 15},
		{ID: "jobs.filter", Title: "filter", Help: "Narrows the machines, or the jobs, while typing; Enter keeps the filter, Esc clears it.", Keys: []string{"/"}, Hint: 10},
		{ID: "jobs.up", Title: "up", Help: "Moves one row up.", Keys: []string{"up", "k"}},
		{ID: "jobs.down", Title: "down", Help: "Moves one row down.", Keys: []string{"down", "j"}},
		{ID: "jobs.page-up", Title: "page up", Help: "Moves one page up.", Keys: []string{"pgup"}},
		{ID: "jobs.page-down", Title: "page down", Help: "Moves one page down.", Keys: []string{"pgdown", "ctrl+f"}},
		{ID: "jobs.half-up", Title: "half a page up", Help: "Moves half a page up.", Keys: []string{"ctrl+u"}},
		{ID: "jobs.half-down", Title: "half a page down", Help: "Moves half a page down.", Keys: []string{"ctrl+d"}},
		{ID: "jobs.top", Title: "top", Help: "Moves to the first row.", Keys: []string{"home", "g"}},
		{ID: "jobs.bottom", Title: "bottom", Help: "Moves to the last row.", Keys: []string{"end", "G"}},
		{ID: "jobs.close", Title: "close", Help: "Closes the panel; jobs go on.", Keys: []string{"esc", "q", "J"}, Hint: 12},
	}
}
