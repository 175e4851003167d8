package bounds

import (
	"encoding/binary"
	"errors"
	"net/http"
	"strconv"
)

// frameHeader is the size of gRPC's header of a message: a compression flag and the length.
const frameHeader = 5

// checkFrame is the equivalent of check for a gRPC call with one message. The handler gets it uncompressed: this package does not
// check other encodings that the handler's library may be able to decompress.
func checkFrame(r *http.Request, held *holding, kind kind, body []byte) error {
	if len(body) < frameHeader || uint64(binary.BigEndian.Uint32(body[1:])) != uint64(len(body)-frameHeader) {
		return errors.New("the body is not a single gRPC message")
	}
	packed, content := body[0] != 0, body[frameHeader:]
	if packed {
		encoding := r.Header.Get("Grpc-Encoding")
		if encoding != "gzip" && encoding != "zstd" {
			return &unknownEncoding{encoding}
		}
		var err error
		if content, _, err = unpack(content, encoding, min(maxUnpacked, held.budget.total/2)); err != nil {
			return err
		}
	}
	cost, err := checkProto(content, kind.schema, min(maxDecoded, held.budget.total))
	if err != nil {
		return err
	}
	if !held.take(max(cost-held.taken, 0)) {
		return errBusy
	}
	r.Header.Del("Grpc-Encoding")
	if packed {
		body = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(content))), content...)
	}
	setBody(r, body)
	return nil
}

// unknownEncoding is the error for a message with an unsupported compression.
type unknownEncoding struct{ name string }

func (u *unknownEncoding) Error() string {
	return "messages packed with " + strconv.Quote(u.name) + " are not taken: gzip, zstd or none"
}
