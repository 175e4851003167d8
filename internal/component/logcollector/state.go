package logcollector

// state is the state of a file's reader. docs/logs.md has a diagram.
type state int

const (
	// waiting until the files that had the name before have been read as far as they go.
	waiting state = iota
	// repeating a batch that may or may not have been stored when the previous process ended.
	repeating
	// following a file that has its name and grows.
	following
	// rotated away: another file has the name, or none. What is still written to it is read.
	rotated
	// finished, because it is rotated away and nothing was written to it for a while.
	finished
)

func (s state) String() string {
	return [...]string{"waiting", "repeating", "following", "rotated", "finished"}[s]
}

// next are the states that may follow each state. If its context ends, a reader stops in any of them, and the next one
// continues from the ledger's position.
var next = map[state][]state{
	waiting:   {repeating, following, rotated},
	repeating: {following, rotated},
	following: {rotated},
	rotated:   {finished},
}
