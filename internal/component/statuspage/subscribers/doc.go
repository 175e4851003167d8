// Package subscribers owns the email subscribers of status pages: how an address is confirmed and removed, and the queue of mails,
// which survives a crash of the program.
//
// Only addresses that confirmed a mail are subscribers. Visitors get the same answers whether an address is known or not. Only
// internal/component/statuspage and internal/app import it.
package subscribers
