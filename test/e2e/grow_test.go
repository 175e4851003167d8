package e2e

import "flag"

var growLong = flag.Bool("grow.long", false, "run the tests of docs/grow.md in their long form")
