// Package edit declares the fields that sites, groups and admins have when they are created or changed: each field of the
// API once, with its name, its flag, its rule and its help. Forms, verbs, request bodies and differences are made from the
// same declaration, so none of them can forget a rule.
package edit
