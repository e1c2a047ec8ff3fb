package rete

// Tx is a batch of changes. They are applied to the facts one by one, and the
// matcher sees only what remains of them at Commit. A change that fails leaves
// the batch as it was before.
type Tx struct {
	s      *Session
	number uint64 // of the batch
	err    error  // why it is of no use
}

// batch gives the open batch, or the reason why this one is not: [ErrBusy] when
// another was open, [ErrClosed] when it is over.
func (tx *Tx) batch() (*batch, error) {
	if tx.err != nil {
		return nil, tx.err
	}
	if tx.s == nil || tx.s.open != tx.number {
		return nil, ErrClosed
	}
	return &tx.s.batch, nil
}

// Assert states a fact. For a type with a key an existing fact of that key is
// updated: the given fields overwrite, the others stay. For a type without, an
// equal fact is that fact, unless the type is a bag. Either way the handle is the
// existing one's.
func (tx *Tx) Assert(typ string, fields Fields) (Handle, error) {
	b, err := tx.batch()
	if err != nil {
		return 0, err
	}
	return b.assert(typ, fields)
}

// AssertRow is Assert with the values of a shape's fields in their order.
func (tx *Tx) AssertRow(shape *Shape, values ...Value) (Handle, error) {
	b, err := tx.batch()
	if err != nil {
		return 0, err
	}
	return b.assertShape(shape, values)
}

// Update changes fields of a stated fact; the others stay. A derived fact and a
// key field cannot be updated. An update that makes a fact without a key equal
// to another merges them: both handles then name that other fact.
func (tx *Tx) Update(h Handle, fields Fields) error {
	b, err := tx.batch()
	if err != nil {
		return err
	}
	return b.update(h, fields)
}

// UpdateRow is Update with the values of a shape's fields in their order.
func (tx *Tx) UpdateRow(h Handle, shape *Shape, values ...Value) error {
	b, err := tx.batch()
	if err != nil {
		return err
	}
	return b.updateShape(h, shape, values)
}

// Retract takes back a stated fact. If matches support it too it stands on as a
// derived one; a fact that is only derived cannot be retracted.
func (tx *Tx) Retract(h Handle) error {
	b, err := tx.batch()
	if err != nil {
		return err
	}
	return b.retract(h)
}

// Commit brings the net changes to the matcher. The batch is then closed.
func (tx *Tx) Commit() error {
	b, err := tx.batch()
	if err != nil {
		return err
	}
	tx.err = ErrClosed
	return b.s.commit()
}

// Rollback undoes the batch and closes it; after Commit it does nothing.
func (tx *Tx) Rollback() {
	if b, err := tx.batch(); err == nil {
		tx.err = ErrClosed
		b.rollback()
	}
}
