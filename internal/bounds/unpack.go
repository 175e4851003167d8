package bounds

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// zstdWindow is the maximum window of a stream, which a decoder keeps in addition to its output. Clients use at most 8 MiB.
const zstdWindow = 8 << 20

// errTooLarge returns the error for a body that exceeds the limit.
func errTooLarge(most int64) error {
	return &tooLarge{limit("the request is larger than %d MiB unpacked", most>>20)}
}

type tooLarge struct{ err error }

func (t *tooLarge) Error() string { return t.err.Error() }
func (t *tooLarge) Unwrap() error { return t.err }

// unpack decompresses a body with the given encoding, to at most most bytes. known is false for encodings that this package does
// not decompress.
func unpack(body []byte, encoding string, most int64) (content []byte, known bool, err error) {
	var r io.Reader
	packed := bytes.NewReader(body)
	switch encoding {
	case "":
		return body, true, nil
	case "snappy":
		content, err = unpackSnappy(body, most)
		return content, true, err
	case "gzip":
		r, err = gzip.NewReader(packed)
	case "deflate":
		r = flate.NewReader(packed)
	case "zstd":
		var d *zstd.Decoder
		d, err = zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
		if err == nil {
			defer d.Close()
			r = d
		}
	case "lz4":
		r = lz4.NewReader(packed)
	default:
		return nil, false, nil
	}
	if err != nil {
		return nil, true, fmt.Errorf("unpack %s: %w", encoding, err)
	}
	content, err = readAll(r, most)
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		err = limit("unpack zstd: its window is larger than %d MiB", zstdWindow>>20)
	case err != nil && !Is(err):
		err = fmt.Errorf("unpack %s: %w", encoding, err)
	}
	return content, true, err
}

// unpackSnappy reads the length of the block before it allocates memory. A block cannot contain more than 64 bytes for every
// three of its own; one that claims to is rejected.
func unpackSnappy(body []byte, most int64) ([]byte, error) {
	size, n := binary.Uvarint(body)
	switch {
	case n <= 0:
		return nil, fmt.Errorf("unpack snappy: %w", snappy.ErrCorrupt)
	case size > uint64(most):
		return nil, errTooLarge(most)
	case size > 22*uint64(len(body))+64:
		return nil, limit("unpack snappy: the block claims to hold %d bytes, which cannot be", size)
	}
	content, err := snappy.Decode(nil, body)
	if err != nil {
		return nil, fmt.Errorf("unpack snappy: %w", err)
	}
	return content, nil
}

// readAll reads at most most bytes.
func readAll(r io.Reader, most int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(content)) > most {
		return nil, errTooLarge(most)
	}
	return content, err
}
