// Package statuspage serves public pages with the state of services: current state, 90 days of history, incidents and planned
// maintenance.
//
// A page is rendered when something on it changes, and served from memory: visitors cause no query, and what they can ask for is a
// fixed list of documents. A page is public only if its configuration says so. Only internal/app imports it.
package statuspage
