// Package instrument exports metrics of an HTTP service to Prometheus: about its requests, its calls to other services, its logs
// and its process. Everything is in a [Service] with its own registry; there is no global state.
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
// It wraps client_golang and imports nothing else, so that any service may import it. Routes come from [http.Request.Pattern], or
// from [SetRoute] and the small adapters beside it, which do not import the router.
package instrument

//go:generate go run ./internal/genwriters
