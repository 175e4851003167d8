package bounds

import "encoding/binary"

const (
	// MaxNesting is how deep the values of a body may be nested. The decoders recurse once per level.
	MaxNesting = 200
	// messageCost is approximately what a decoded message or JSON value uses in addition to its bytes.
	messageCost = 96
	// maxText is the maximum length of a label: Prometheus panics on a longer one (prometheus#16525).
	maxText = 1<<24 - 1
)

// message lists which fields of a protobuf message are messages themselves; all others are skipped by their length.
type message map[uint64]*message

// checkProto walks the bytes of a message without decoding it, and returns approximately how much memory its decoded form uses.
// Bytes that are not a message of this kind are left to the decoder, which stops at the same position.
func checkProto(body []byte, m *message, most int64) (cost int64, err error) {
	w := protoWalk{cost: 2 * int64(len(body)), most: most} // and the regular expressions of all matchers together
	err = w.message(body, m, 1)
	return w.cost, err
}

type protoWalk struct {
	cost, most int64
	query      Query
}

func (w *protoWalk) message(b []byte, m *message, depth int) error {
	if depth > MaxNesting {
		return limit("values nest deeper than %d levels", MaxNesting)
	}
	if w.cost += messageCost; w.cost > w.most {
		return limit("the decoded request would take more than %d MiB", w.most>>20)
	}
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return nil
		}
		b = b[n:]
		switch tag & 7 {
		case 0: // varint
			if _, n = binary.Uvarint(b); n <= 0 {
				return nil
			}
			b = b[n:]
		case 1, 5: // fixed
			n = 8
			if tag&7 == 5 {
				n = 4
			}
			if len(b) < n {
				return nil
			}
			b = b[n:]
		case 2: // length-delimited
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				// The decoder may read the existing bytes of a truncated message.
				size = uint64(max(len(b)-max(n, 0), 0))
				n = max(n, 0)
			}
			if inner := (*m)[tag>>3]; inner != nil {
				if err := w.message(b[n:n+int(size)], inner, depth+1); err != nil {
					return err
				}
			} else {
				w.cost += 16 // header of a string or slice
				if size > maxText {
					return limit("a text of %d bytes is longer than %d, which is the most that a label can hold", size, maxText)
				}
				if m == readMatcher && tag>>3 == 3 {
					if err := w.query.Regexp(string(b[n : n+int(size)])); err != nil {
						return err
					}
				}
			}
			b = b[n+int(size):]
		default: // groups: no supported message has them, and some decoders skip them recursively
			return limit("the request has protobuf groups, which none of its messages has")
		}
	}
	return nil
}

// The supported messages. Those of Prometheus's remote write 1 and 2 have no field number in common, by design.
var (
	remoteWrite = &message{1: writeSeries, 3: {}, 5: {2: {}, 3: writeHistogram, 4: {}, 5: {}}}
	remoteRead  = &message{1: {3: readMatcher, 4: {}}}
	lokiPush    = &message{1: {2: {1: {}, 3: {}, 4: {}}}}
	otlpLogs    = otlp(&message{1: otlpScope, 2: {5: anyValue, 6: keyValue}})
	otlpMetrics = otlp(&message{1: otlpScope, 2: {
		5: {1: numberPoint}, 7: {1: numberPoint}, 9: {1: {8: exemplar, 9: keyValue}},
		10: {1: {1: keyValue, 8: {}, 9: {}, 11: exemplar}}, 11: {1: {6: {}, 7: keyValue}}, 12: keyValue,
	}})
	otlpTraces = otlp(&message{1: otlpScope, 2: {9: keyValue, 11: {3: keyValue}, 13: {4: keyValue}, 15: {}}})

	readMatcher    = &message{} // its field 3 may be a regular expression
	writeSeries    = &message{1: {}, 2: {}, 3: {1: {}}, 4: writeHistogram}
	writeHistogram = &message{8: {}, 11: {}}

	anyValue, keyValue = recursiveValues()
	otlpScope          = &message{3: keyValue}
	exemplar           = &message{7: keyValue}
	numberPoint        = &message{5: exemplar, 7: keyValue}
)

// otlp returns an export request of scopes; 1000 is the field number that scopes had before version 0.19 of the protocol.
func otlp(scope *message) *message {
	return &message{1: {1: {1: keyValue, 3: {}}, 2: scope, 1000: scope}}
}

func recursiveValues() (value, pair *message) {
	value = &message{}
	pair = &message{2: value}
	*value = message{5: {1: value}, 6: {1: pair}}
	return value, pair
}
