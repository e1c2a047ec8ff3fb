package rete

// Tx is a batch of changes. They are applied to the facts one by one, and the
// matcher sees only what remains of them at Commit. A change that fails leaves
// the batch as it was before.
type Tx struct {
	batch *batch
	err   error // ErrBusy or, when it is over, ErrClosed
}

// Assert states a fact. For a type with a key an existing fact of that key is
// updated: the given fields overwrite, the others stay. For a type without, an
// equal fact is that fact. Either way the handle is the existing one's.
func (tx *Tx) Assert(typ string, fields Fields) (Handle, error) {
	if tx.err != nil {
		return 0, tx.err
	}
	return tx.batch.assert(typ, fields)
}

// Update changes fields of a stated fact; the others stay. A derived fact and a
// key field cannot be updated. An update that makes a fact without a key equal
// to another merges them: both handles then name that other fact.
func (tx *Tx) Update(h Handle, fields Fields) error {
	if tx.err != nil {
		return tx.err
	}
	return tx.batch.update(h, fields)
}

// Retract takes back a stated fact. If matches support it too it stands on as a
// derived one; a fact that is only derived cannot be retracted.
func (tx *Tx) Retract(h Handle) error {
	if tx.err != nil {
		return tx.err
	}
	return tx.batch.retract(h)
}

// Commit brings the net changes to the matcher. The batch is then closed.
func (tx *Tx) Commit() error {
	if tx.err != nil {
		return tx.err
	}
	tx.err = ErrClosed
	tx.batch.s.commit(tx.batch)
	return nil
}

// Rollback undoes the batch and closes it; after Commit it does nothing.
func (tx *Tx) Rollback() {
	if tx.err == nil {
		tx.err = ErrClosed
		tx.batch.rollback()
	}
}
