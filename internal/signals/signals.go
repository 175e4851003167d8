// Package signals catches signals from the first moment at which a Go program can.
//
// Otherwise a signal to stop or reload would kill a process that is still starting: the initialization of packages takes tens of
// milliseconds before main runs, and a start takes seconds. It imports only the standard library, so that it is among the first
// packages to be initialized.
package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// These are package variables because signals are sent to the process.
var (
	stops   = catch(os.Interrupt, syscall.SIGTERM)
	hangups = catch(syscall.SIGHUP)
)

func catch(which ...os.Signal) chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, which...)
	return c
}

// Stop returns a context that ends with the first SIGINT or SIGTERM since the process began. Later ones are ignored, because a
// stop takes time and must not be cut short.
func Stop() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-stops
		cancel()
	}()
	return ctx
}

// Hangups returns a channel that has a value if SIGHUP was received since the last read.
func Hangups() <-chan os.Signal { return hangups }

// Release restores the default handling of signals, for commands that simply exit.
func Release() {
	signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	select {
	case s := <-stops:
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Signal(s) // it was received before
		}
	default:
	}
}
