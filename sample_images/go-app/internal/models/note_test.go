package models

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		draft Draft
		valid bool
	}{
		"plain":         {Draft{"milk", "two litres"}, true},
		"no title":      {Draft{" \t", "x"}, false},
		"longest title": {Draft{strings.Repeat("ü", MaxTitle), ""}, true},
		"longer title":  {Draft{strings.Repeat("u", MaxTitle+1), ""}, false},
		"longer body":   {Draft{"t", strings.Repeat("b", MaxBody+1)}, false},
		"zero byte":     {Draft{"t", "a\x00b"}, false},
	} {
		if err := c.draft.Validate(); (err == nil) != c.valid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
