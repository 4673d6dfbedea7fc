// Package selector is the language that filters, saved views and --where share.
//
// Terms are ANDed. A bare word is a folded substring of the language's bare fields; "field:value" is a substring of a
// text and exact for anything else; "field:=value" is exact; "field:a|b" is either; ages, versions and numbers take
// < <= > >=; "!term" negates; quotes keep blanks; "view:name" stands for the terms of a saved expression.
// A name of a field with = < > in place of the colon is a mistake, unless it stands in quotes.
// An expression is parsed once into a Plan, which is then asked for each row. A field that a row does not know makes the
// answer Unknown, never a guess.
package selector
