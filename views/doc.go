// Package views says what there is to see and to do: sites, groups, endpoints, commands, policies, threats and admins as
// values of one generic resource, with their columns, where Enter leads, their details and their actions. It knows
// nothing of keys being pressed, of the event loop or of HTTP.
package views
