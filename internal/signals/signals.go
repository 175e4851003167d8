// Package signals catches signals from the first moment on that a Go program can.
//
// A process that is asked to stop or to reload while it is starting would else be killed by the signal: packages take tens
// of milliseconds to initialise before main runs, and a start takes seconds. It imports the standard library only, so that
// it is among the first packages that are initialised.
package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Whoever starts the process sends them; they are the process's, so they are variables of the package.
var (
	stops   = catch(os.Interrupt, syscall.SIGTERM)
	hangups = catch(syscall.SIGHUP)
)

func catch(which ...os.Signal) chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, which...)
	return c
}

// Stop returns a context that ends with the first SIGINT or SIGTERM since the process began. Those that follow do nothing: a
// stop takes its time, and is not to be cut short.
func Stop() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-stops
		cancel()
	}()
	return ctx
}

// Hangups has a value when SIGHUP has come since it was last read.
func Hangups() <-chan os.Signal { return hangups }

// Release gives signals back their usual effect, for commands that simply end.
func Release() {
	signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	select {
	case s := <-stops:
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Signal(s) // it came before
		}
	default:
	}
}
