// Package secretservertest simulates the parts of Delinea Secret Server that a
// credential source needs: the token endpoint with its password and refresh
// grants, and the reading of secrets. It is an http.Handler on the standard
// library alone, shares no code with the client that it judges, and keeps the
// rules of the vendor's page "Enabling Refresh Tokens for Web Services": a
// refresh token works once, lives for the API session timeout plus 15 minutes,
// is not issued when the timeout is unlimited or the setting is off, and only so
// many refreshes are allowed per sign-in.
package secretservertest
