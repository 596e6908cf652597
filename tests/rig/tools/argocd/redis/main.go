// Command argocd-redis is the cache that the parts of Argo CD share: the
// server that Argo CD itself starts for `argocd --core`. The only argument is
// its address.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Its entries expire by a clock of its own.
	for range time.Tick(time.Second) {
		server.FastForward(time.Second)
	}
}
