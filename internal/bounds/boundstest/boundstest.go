// Package boundstest creates requests that would crash the process, for tests at all levels.
package boundstest

import (
	"encoding/binary"
	"slices"
)

// NestedLogs returns an OTLP export request with one log record, whose body consists of depth nested ArrayValues.
func NestedLogs(depth int) []byte {
	return field(1, field(2, field(2, field(5, NestedValue(depth)))))
}

// NestedMetrics returns an OTLP export request with one gauge, which has an attribute with the given nesting depth.
func NestedMetrics(depth int) []byte {
	attribute := append(field(1, []byte("k")), field(2, NestedValue(depth))...)
	metric := append(field(1, []byte("m")), field(5, field(1, field(7, attribute)))...)
	return field(1, field(2, field(2, metric)))
}

// NestedSpans returns an OTLP export request with one span, which has an attribute with the given nesting depth.
func NestedSpans(depth int) []byte {
	attribute := append(field(1, []byte("k")), field(2, NestedValue(depth))...)
	return field(1, field(2, field(2, field(9, attribute))))
}

// Frame returns a message in gRPC's framing.
func Frame(packed bool, content []byte) []byte {
	header := []byte{0}
	if packed {
		header[0] = 1
	}
	return append(binary.BigEndian.AppendUint32(header, uint32(len(content))), content...)
}

// NestedValue returns an AnyValue of depth nested ArrayValues. It is built from its end, because each level is preceded by the
// length of its content.
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
