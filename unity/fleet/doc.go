// Package fleet is the picture of one console: sites, groups, endpoints and what their agents reported, with the names
// by which people call them. It resolves names, evaluates selectors, finds machines anywhere and sweeps all sites.
package fleet
