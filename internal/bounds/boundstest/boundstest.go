// Package boundstest makes requests that would take the process down, for the tests of all levels.
package boundstest

import (
	"encoding/binary"
	"slices"
)

// NestedLogs is an OTLP export request of one log record whose body is so many ArrayValues inside each other.
func NestedLogs(depth int) []byte {
	return field(1, field(2, field(2, field(5, NestedValue(depth)))))
}

// NestedMetrics is an OTLP export request of one gauge with an attribute that nests so deep.
func NestedMetrics(depth int) []byte {
	attribute := append(field(1, []byte("k")), field(2, NestedValue(depth))...)
	metric := append(field(1, []byte("m")), field(5, field(1, field(7, attribute)))...)
	return field(1, field(2, field(2, metric)))
}

// NestedSpans is an OTLP export request of one span with an attribute that nests so deep.
func NestedSpans(depth int) []byte {
	attribute := append(field(1, []byte("k")), field(2, NestedValue(depth))...)
	return field(1, field(2, field(2, field(9, attribute))))
}

// Frame is a message as gRPC sends it.
func Frame(packed bool, content []byte) []byte {
	header := []byte{0}
	if packed {
		header[0] = 1
	}
	return append(binary.BigEndian.AppendUint32(header, uint32(len(content))), content...)
}

// NestedValue is an AnyValue of so many ArrayValues inside each other. It is written from its end, as each level has
// the length of what is inside.
func NestedValue(depth int) []byte {
	var reversed []byte
	for range depth {
		for _, tag := range []byte{0x0a, 0x2a} { // ArrayValue.values, AnyValue.array_value
			size := binary.AppendUvarint(nil, uint64(len(reversed)))
			slices.Reverse(size)
			reversed = append(append(reversed, size...), tag)
		}
	}
	slices.Reverse(reversed)
	return reversed
}

func field(number int, content []byte) []byte {
	b := binary.AppendUvarint(nil, uint64(number<<3|2))
	return append(binary.AppendUvarint(b, uint64(len(content))), content...)
}
