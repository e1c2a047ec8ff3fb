package rete

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// readSnapshot reads and checks a snapshot, and gives the state in it.
func readSnapshot(r io.Reader) ([]byte, error) {
	var buf bytes.Buffer
	if err := readUpTo(&buf, r, snapshotHead); err != nil {
		return nil, err
	}
	head := buf.Bytes()
	if string(head[:len(snapshotMagic)]) != snapshotMagic {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrDamaged)
	}
	if v := binary.BigEndian.Uint16(head[len(snapshotMagic):]); v != snapshotVersion {
		return nil, fmt.Errorf("%w: %d, and %d is known", ErrVersion, v, snapshotVersion)
	}
	size := binary.BigEndian.Uint64(head[snapshotHead-8:])
	if size > 1<<48 {
		return nil, fmt.Errorf("%w: no length", ErrDamaged)
	}
	if err := readUpTo(&buf, r, snapshotHead+int(size)+sha256.Size); err != nil {
		return nil, err
	}
	all := buf.Bytes()
	data, sum := all[:len(all)-sha256.Size], all[len(all)-sha256.Size:]
	if want := sha256.Sum256(data); !bytes.Equal(sum, want[:]) {
		return nil, fmt.Errorf("%w: the checksum differs", ErrDamaged)
	}
	return data[snapshotHead:], nil
}

// readUpTo fills a buffer up to a size. The buffer grows with what comes, so that a
// wrong length does not take memory.
func readUpTo(buf *bytes.Buffer, r io.Reader, size int) error {
	_, err := io.CopyN(buf, r, int64(size-buf.Len()))
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it is cut short", ErrDamaged)
	}
	return err
}

// snapshotReader takes a snapshot apart. After the first error everything it reads is
// zero.
type snapshotReader struct {
	data   []byte
	syms   *symbols
	known  []symbol // values that were read
	decode func(typ string, data []byte) (any, error)
	err    error
}

// fail keeps the first error, and ends the reading.
func (r *snapshotReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.data = nil
}

// damaged fails with what cannot be.
func (r *snapshotReader) damaged(what string) { r.fail(fmt.Errorf("%w: %s", ErrDamaged, what)) }

// check fails unless something holds.
func (r *snapshotReader) check(holds bool, what string) bool {
	if !holds {
		r.damaged(what)
	}
	return r.err == nil
}

func (r *snapshotReader) byte() byte {
	if len(r.data) == 0 {
		r.damaged("it ends too soon")
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *snapshotReader) num() uint64 {
	n, size := binary.Uvarint(r.data)
	return n * r.took(size)
}

func (r *snapshotReader) int() int64 {
	n, size := binary.Varint(r.data)
	return n * int64(r.took(size))
}

// took goes on behind a number; 0 if there was none.
func (r *snapshotReader) took(size int) uint64 {
	if size <= 0 {
		r.damaged("no number")
		return 0
	}
	r.data = r.data[size:]
	return 1
}

func (r *snapshotReader) fixed() uint64 {
	if len(r.data) < 8 {
		r.damaged("it ends too soon")
		return 0
	}
	n := binary.BigEndian.Uint64(r.data)
	r.data = r.data[8:]
	return n
}

// count reads how many things follow, each of at least some bytes: more than there is
// room for cannot be.
func (r *snapshotReader) count(size int) int {
	n := r.num()
	if n > uint64(len(r.data)/size) {
		r.damaged("more than there is")
		return 0
	}
	return int(n)
}

// atMost reads a number that is not larger than another.
func (r *snapshotReader) atMost(most uint64) uint64 {
	n := r.num()
	if n > most {
		r.damaged("a number is too large")
		return 0
	}
	return n
}

func (r *snapshotReader) text() string {
	n := r.count(1)
	s := string(r.data[:n])
	r.data = r.data[n:]
	return s
}

// flags reads bits, of which so many mean something.
func (r *snapshotReader) flags(bits int) byte {
	b := r.byte()
	r.check(b>>bits == 0, "a flag that means nothing")
	return b
}

func (r *snapshotReader) texts() []string { return readList(r, r.text) }

// readList reads how many there are, and each.
func readList[T any](r *snapshotReader, each func() T) []T {
	var list []T
	for n := r.count(1); n > 0 && r.err == nil; n-- {
		list = append(list, each())
	}
	return list
}
