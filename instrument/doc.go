// Package instrument measures an HTTP service for Prometheus: what it is asked, what it asks others, what it logs and
// what its process needs. Everything lives in a [Service] with a registry of its own; there is no global state.
//
//	service := instrument.New(instrument.Options{Service: "gateway"})
//	http.ListenAndServe(":3001", service.Handler(mux))
//
// That line gives the service /metrics, /healthz, /readyz and, for every other request, these metrics:
//
//	http_request_duration_seconds{method,route,status}  classic and native histogram with exemplars
//	http_requests_total{method,route,status}
//	http_requests_in_flight
//	http_request_size_bytes{method,route}, http_response_size_bytes{method,route}
//	http_panics_total
//	http_requests_overflow_total                        requests beyond Options.MaxSeries
//
// It wraps client_golang and imports nothing else, so that any service may import it. Routers are told apart by
// [http.Request.Pattern], or by [SetRoute] and the small adapters beside it, which need no import of the router.
package instrument

//go:generate go run ./internal/genwriters
