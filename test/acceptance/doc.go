// Package acceptance runs upstream's own acceptance tests, as its modules carry them, against the real binary.
//
// It holds tests only. `make build stock` builds what they need: bin/ausguck, and in bin/stock the stock programs and
// the compiled tests. Upstream's tests allow half seconds, so the package runs alone.
package acceptance
