package source

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ausguck/ausguck/internal/atomicfile"
	"github.com/ausguck/ausguck/internal/setaside"
)

// secretBox encrypts the secrets of data sources with AES-256-GCM. The ciphertext is bound to the uid of its data
// source, so that a row copied to another data source with a different address cannot be decrypted.
type secretBox struct {
	aead cipher.AEAD
	// replaced is true if the previous key was set aside.
	replaced bool
}

// sealedPrefix marks encrypted secrets; JSON without the prefix was written by older versions.
const sealedPrefix = "aes256gcm:"

const keySize = 32

// openSecretBox reads the key in path or creates one that only this user can read. A file that is not a valid key is
// set aside.
func openSecretBox(path string, shelf *setaside.Shelf) (*secretBox, error) {
	key, err := os.ReadFile(path) //nolint:gosec // G304: the path is the operator's
	if err == nil && len(key) != keySize {
		err = fmt.Errorf("it has %d bytes, not %d", len(key), keySize)
	}
	replaced := err != nil && !errors.Is(err, fs.ErrNotExist)
	if err != nil {
		if replaced {
			if err := shelf.Move(lostKey(path, err)); err != nil {
				return nil, fmt.Errorf("read the key for data source secrets: %w", err)
			}
		}
		if key, err = makeKey(path); err != nil {
			return nil, fmt.Errorf("create the key for data source secrets: %w", err)
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use the key for data source secrets: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("use the key for data source secrets: %w", err)
	}
	return &secretBox{aead, replaced}, nil
}

// lostKey describes the loss if path no longer contains the key that encrypted the secrets.
func lostKey(path string, cause error) setaside.Loss {
	return setaside.Loss{
		Part: "dashboards", Path: path, Cause: cause,
		Lost:   "passwords and tokens of the data sources created on the page",
		Remedy: "enter them again on the Data sources page, or stop Ausguck and restore the file from a backup",
	}
}

// makeKey writes a new key.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key) // never fails
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	return key, atomicfile.Write(path, key, 0o600)
}

func (b *secretBox) seal(uid string, values map[string]string) (string, error) {
	plain, err := json.Marshal(values)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, b.aead.NonceSize())
	rand.Read(nonce) // never fails
	return sealedPrefix + base64.StdEncoding.EncodeToString(b.aead.Seal(nonce, nonce, plain, []byte(uid))), nil
}

// open decrypts the output of seal. Unencrypted secrets are read unchanged.
func (b *secretBox) open(uid, text string) (map[string]string, error) {
	plain := []byte(text)
	if encoded, sealed := strings.CutPrefix(text, sealedPrefix); sealed {
		data, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(data) < b.aead.NonceSize() {
			return nil, errors.New("they are damaged")
		}
		if plain, err = b.aead.Open(nil, data[:b.aead.NonceSize()], data[b.aead.NonceSize():], []byte(uid)); err != nil {
			return nil, errors.New("they were encrypted with another key")
		}
	}
	var values map[string]string
	return values, json.Unmarshal(plain, &values)
}
