package tracker

import "context"

type permitKey struct{}

// WithPermit lets every write that is made with the context ask first: a process that has
// lost the right to act for its installation begins none.
func WithPermit(ctx context.Context, permit func() error) context.Context {
	return context.WithValue(ctx, permitKey{}, permit)
}

// Permitted is why a write must not be begun now; nil if it may. Adapters ask as late as
// they can, when the connection is there.
func Permitted(ctx context.Context) error {
	permit, ok := ctx.Value(permitKey{}).(func() error)
	if !ok {
		return nil
	}
	return permit()
}
