//go:build unix

// Torture shows that many real processes can share one sign-in without ever
// losing it. It builds unitty, serves a simulated console whose refresh tokens
// are good for one use and whose chain of tokens dies with the second use of one,
// signs in once, and lets loops of `unitty token`, loops of `unitty api` and
// full-screen programs in pseudo-terminals live on that sign-in for a while.
//
// A judge stands in front of the simulator and shares no code with unitty. It
// sees every token request, knows which refresh tokens are spent, and is asked
// about every token that unitty prints. What was promised and not kept makes the
// command end with exit code 1.
//
// The modes:
//
//	steady   nothing disturbs
//	logins   people sign out and in, and the server's clock jumps ahead
//	signals  processes get TERM and HUP, and terminals hang up
//	kill     processes get KILL; whoever loses the sign-in has to say who was
//	         interrupted, where and when, and it must have been in the window
//	         between the server's decision and the end of the save
//	faults   the token endpoint fails, cuts connections before and after its
//	         decision, garbles answers and leaves out refresh tokens; a sign-in is
//	         lost only with an answer that the server did not deliver, and whoever
//	         finds that says so
//	clock    some processes have clocks that are wrong and jump, by fractions of a
//	         token's life and by weeks; the others print good tokens all the same
package main
