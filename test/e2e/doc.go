// Package e2e drives the real binary from outside, over HTTP, files and signals, next to the stock programs that it
// replaces.
//
// It contains only tests. They need two things built before, and fail with the command to run if one is missing:
// bin/ausguck (or AUSGUCK_BINARY) and the stock programs in bin/stock (or AUSGUCK_STOCK_DIR). The tests of a data
// folder that belongs to another user, of a full disk and of the well-known ports need root, for another user, a tmpfs
// and a network namespace.
//
// The tests of docs/grow.md (grow*_test.go) run what the page says on hosts of their own, which are network namespaces, with Thanos,
// VictoriaMetrics, an S3 server and haproxy. They need root, iproute2 and haproxy.
package e2e
