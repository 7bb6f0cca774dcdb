package tenantry

import "fmt"

// How values that hold a secret print, in every verb and in logs; the methods of records are generated. encoding/json
// writes them whole: it is how they are handed on.

func hide(secret *string) {
	if *secret != "" {
		*secret = "(hidden)"
	}
}

func printed(state fmt.State, verb rune, shown any) {
	fmt.Fprintf(state, fmt.FormatString(state, verb), shown)
}

// Format prints no more than that something is presented.
func (p Presented) Format(state fmt.State, verb rune) { printed(state, 's', p.String()) }

// String shows nothing of what is presented.
func (p Presented) String() string { return "Presented(hidden)" }
