package logcollector

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Histories in which the model test found lost lines or lines stored twice, each with the reason.
func TestHistories(t *testing.T) {
	for why, h := range map[string]history{
		"copy made while another was read":                 {1, "", []step{{rename, 0}, {write_, 0}, {powerCut, 1}, {start, 0}, {copytr, 0}}},
		"copy made while the one before was read":          {1, "", []step{{copytr, 0}, {write_, 0}, {kill, 0}, {start, 0}, {copytr, 0}}},
		"another configuration after two copies":           {1, "", []step{{copytr, 0}, {write_, 0}, {copytr, 1}, {reload, 0}}},
		"another configuration after two renames":          {1, "", []step{{rename, 0}, {write_, 0}, {rename, 1}, {sleep, 1}, {reload, 0}}},
		"a cut ledger and a copy":                          {4, "", []step{{reuse, 13}, {sleep, 1}, {compress, 0}, {write_, 12}, {reload, 9}, {stop, 3}, {write_, 17}, {copytr, 12}, {damage, 1}, {write_, 6}, {reload, 1}}},
		"killed while it stored what is in a copy now":     {1, "", []step{{write_, 0}, {copytr, 2}, {write_, 6}, {stop, 0}, {start, 2}, {killAtPush, 19}, {sleep, 8}, {stop, 1}, {copytr, 0}, {remove, 2}}},
		"the same with two generations":                    {2, "", []step{{write_, 11}, {copytr, 7}, {write_, 6}, {stop, 0}, {lateWrite, 11}, {stop, 11}, {start, 2}, {killAtPush, 19}, {sleep, 8}, {stop, 1}, {copytr, 0}, {remove, 3}, {refuse, 3}, {write_, 5}, {reload, 6}}},
		"the name of a file that only has a copy left":     {3, "", []step{{copytr, 2}, {rename, 1}, {reload, 0}, {stop, 0}, {write_, 0}, {copytr, 1}}},
		"the name of a file that was emptied":              {2, "", []step{{truncate, 0}, {rename, 1}, {sleep, 5}, {stop, 0}, {write_, 0}, {copytr, 1}}},
		"the name of a file that was deleted, with a copy": {2, "", []step{{stop, 0}, {copytr, 0}, {remove, 0}, {start, 0}, {stop, 0}, {write_, 0}, {copytr, 1}}},
		"truncated between a look for copies and a read":   {4, "", []step{{copytr, 2}, {write_, 2}, {sleep, 7}, {copytr, 1}}},
		"a missed copy that a damaged ledger lost":         {3, strings.Repeat("x", 64), []step{{rename, 17}, {reload, 9}, {write_, 7}, {sleep, 9}, {truncate, 1}, {powerCut, 8}, {damage, 2}}},
		"a copy that is newer than the damage":             {1, "", []step{{stop, 0}, {damage, 0}, {start, 0}, {sleep, 1}, {copytr, 0}, {kill, 0}}},
		"set back before a line was stored":                {1, "", []step{{jump, 2}}},
		"set back while the store took a line":             {2, "", []step{{slow, 14}, {copytr, 18}, {jump, 12}}},
		"set back after a copy":                            {2, "", []step{{copytr, 0}, {stop, 0}, {start, 0}, {write_, 0}, {copytr, 0}, {jump, 0}}},
		"set back while a reader waits for another":        {1, "", []step{{rename, 0}, {write_, 0}, {slow, 3}, {jump, 4}, {jump, 0}, {copytr, 6}, {jump, 19}}},
		"set back before a copy, and stopped":              {1, "", []step{{copytr, 0}, {kill, 0}, {jump, 0}, {write_, 1}, {copytr, 0}}},
		"set forward by more than a name is remembered":    {3, "", []step{{write_, 0}, {rename, 1}, {jump, 9}, {write_, 8}, {rename, 0}, {sleep, 4}}},
		"set forward by more than a position is kept":      {1, "", []step{{sleep, 3}, {stop, 0}, {jump, 9}}},
		"set forward with a batch of which nobody knows":   {1, "", []step{{write_, 0}, {killAtPush, 0}, {jump, 7}}},
		"set back before a batch of which nobody knows":    {1, "", []step{{jump, 0}, {sleep, 5}, {write_, 0}, {killAtPush, 0}, {rename, 0}, {write_, 0}, {copytr, 1}}},
		"a batch that waited behind newer lines":           {1, "", []step{{rename, 1}, {jump, 0}, {lateWrite, 0}, {refuse, 0}, {write_, 0}, {sleep, 1}, {stop, 0}, {sleep, 5}}},
		"a batch that runs ahead of the clock":             {1, "", []step{{write_, 0}, {reload, 0}, {reload, 0}, {powerCut, 3}}},
		"emptied between a look for copies and a read":     {3, block, []step{{copytr, 23}}},
		"a copy of a file with the inode of another copy":  {1, strings.Repeat("x", tailBytes), []step{{copytr, 25}, {remove, 29}, {kill, 0}, {reuse, 1}, {refuse, 2}, {start, 3}, {copytr, 22}, {scanNow, 0}}},
		"rotated before the first scan saw its name":       {1, "", []step{{rename, 1}, {powerCut, 1}, {start, 0}, {write_, 0}, {rename, 1}, {sleep, 5}}},
		"set back before a rotation and a copy, killed":    {3, "", []step{{jump, 0}, {sleep, 5}, {rename, 0}, {write_, 0}, {kill, 0}, {write_, 0}, {copytr, 15}, {sleep, 14}}},
	} {
		t.Run(why, func(t *testing.T) {
			require.NoError(t, h.happen(t), h)
		})
	}
}

// The same if only one or two files may be open.
func TestHistoriesInACrowd(t *testing.T) {
	for why, h := range map[string]history{
		"a missed copy that had a reader of its own, too": {1, "", []step{{rename, 0}, {powerCut, 10}, {start, 18}, {reload, 15}, {lateWrite, 13}}},
		"truncated between a scan and the first read":     {2, "", []step{{copytr, 11}, {start, 9}, {scanNow, 2}, {write_, 5}, {remove, 15}, {truncate, 4}, {write_, 17}, {remove, 1}, {sleep, 1}, {reuse, 17}, {compress, 6}, {copytr, 2}, {reload, 1}}},
		"a copy that a scan found first, and that waits":  {1, strings.Repeat("x", 400), []step{{rename, 8}, {write_, 26}, {copytr, 20}, {killAtPush, 5}}},
		"a copy of the file that took the name":           {4, "", []step{{copytr, 2}, {reload, 11}, {sleep, 3}, {jump, 10}, {rename, 1}, {write_, 7}, {copytr, 14}}},
	} {
		t.Run(why, func(t *testing.T) {
			for places := range 2 { // some of these need a second reader, others fail with a single one
				require.NoError(t, h.happen(t, func(f *files) { f.maxOpen = 1 + places }), h)
			}
		})
	}
}
