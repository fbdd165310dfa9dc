// Package api holds the place of the generated client, so that the module can be resolved and
// vendored before there is one.
package api
