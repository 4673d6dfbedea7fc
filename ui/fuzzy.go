package ui

import (
	"strings"
	"unicode"
)

// fuzzy scores how well a text answers a query; 0 means not at all. Every word of the query has to be found: as a part of the
// text for a high score, else as letters in the same order.
func fuzzy(query, text string) int {
	words := strings.Fields(strings.ToLower(query))
	if len(words) == 0 {
		return 1
	}
	folded := strings.ToLower(text)
	score := 0
	for _, w := range words {
		s := fuzzyWord(w, folded)
		if s == 0 {
			return 0
		}
		score += s
	}
	return score
}

func fuzzyWord(word, text string) int {
	if i := strings.Index(text, word); i >= 0 {
		switch {
		case i == 0:
			return 1000 - min(len(text), 200)
		case !unicode.IsLetter(rune(text[i-1])):
			return 700 - min(i, 200)
		default:
			return 400 - min(i, 200)
		}
	}
	score, last, at := 0, -2, 0
	rest := []rune(text)
	for _, r := range word {
		for at < len(rest) && rest[at] != r {
			at++
		}
		if at == len(rest) {
			return 0
		}
		switch {
		case at == last+1:
			score += 5
		case at == 0 || !unicode.IsLetter(rest[at-1]):
			score += 4
		default:
			score++
		}
		last = at
		at++
	}
	return min(score, 150)
}
