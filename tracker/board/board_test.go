package board_test

import (
	"testing"

	"github.com/trimtab/trimtab/tracker/board"
	"github.com/trimtab/trimtab/tracker/board/boardtest"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

func TestMemory(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.Site { return boardtest.Site(t, &board.Memory{}) })
}
