package logcollector

// state is where the reader of a file is. docs/logs.md has the drawing.
type state int

const (
	// waiting until the files that had the name before are read as far as they go.
	waiting state = iota
	// repeating the batch of which nobody knows whether it was stored when the process before this one ended.
	repeating
	// following a file that has its name, and grows.
	following
	// rotated away: another file has the name, or none. What is still written to it is read.
	rotated
	// finished, because it is rotated away and nothing was written to it for a while.
	finished
)

func (s state) String() string {
	return [...]string{"waiting", "repeating", "following", "rotated", "finished"}[s]
}

// next are the states that may follow each. A reader whose context ends stops in any of them, and the next one goes on from
// the ledger's position.
var next = map[state][]state{
	waiting:   {repeating, following, rotated},
	repeating: {following, rotated},
	following: {rotated},
	rotated:   {finished},
}
