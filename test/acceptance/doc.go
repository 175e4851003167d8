// Package acceptance runs upstream's own acceptance tests, as contained in its modules, against the real binary.
//
// It contains only tests. `make build stock` builds what they need: bin/ausguck, and in bin/stock the stock programs
// and the compiled tests. Upstream's tests have timeouts of half a second, so the package runs alone.
package acceptance
