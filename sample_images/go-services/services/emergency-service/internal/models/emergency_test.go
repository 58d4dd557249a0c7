package models

import (
	"strings"
	"testing"
)

func TestValidateSaysEverythingThatIsWrong(t *testing.T) {
	good := Report{Kind: "fire", Message: "smoke", Location: &Location{Latitude: 52.5, Longitude: 13.4}}
	if err := good.Validate(); err != nil {
		t.Fatalf("a good report: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Report)
		says   []string
	}{
		"kind":        {func(r *Report) { r.Kind = "party" }, []string{`kind "party"`}},
		"no location": {func(r *Report) { r.Location = nil }, []string{"location is missing"}},
		"off earth":   {func(r *Report) { r.Location = &Location{Latitude: 91} }, []string{"91, 0 is not on earth"}},
		"long":        {func(r *Report) { r.Message = strings.Repeat("x", 501) }, []string{"501 bytes"}},
		"all":         {func(r *Report) { *r = Report{} }, []string{`kind ""`, "location is missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			c.change(&bad)
			err := bad.Validate()
			for _, text := range c.says {
				if err == nil || !strings.Contains(err.Error(), text) {
					t.Errorf("%v does not say %q", err, text)
				}
			}
		})
	}
}
