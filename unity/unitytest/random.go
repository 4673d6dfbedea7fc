package unitytest

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strings"
)

// random is a seeded stream. Nothing here is a secret, so a generator that
// can be repeated is what is wanted.
type random struct{ *rand.Rand }

func newRandom(seed, stream uint64) random {
	return random{rand.New(rand.NewPCG(seed, stream))} //nolint:gosec // a simulated world must be repeatable
}

func (r random) chance(p float64) bool { return r.Float64() < p }

func pick[T any](r random, from []T) T { return from[r.IntN(len(from))] }

func (r random) hex(n int) string {
	b := make([]byte, 0, n/2+8)
	for len(b)*2 < n {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return hex.EncodeToString(b)[:n]
}

func (r random) guid() string {
	h := r.hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

func (r random) keycode() string { return strings.ToUpper(r.hex(20)) }

func (r random) letters(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// between returns a duration in nanoseconds, spread evenly over the
// logarithm, so that small values are as likely as large ones.
func (r random) between(low, high int64) int64 {
	if high <= low {
		return low
	}
	x := math.Log(float64(low)) + r.Float64()*(math.Log(float64(high))-math.Log(float64(low)))
	return int64(math.Exp(x)) / tick * tick
}

// tick is the precision of moments in nanoseconds: what seven fractional
// digits, the most the API shows, can tell apart.
const tick = 100

// dashed groups a keycode of 20 characters by four.
func dashed(key string) string {
	if len(key) != 20 {
		return key
	}
	return key[:4] + "-" + key[4:8] + "-" + key[8:12] + "-" + key[12:16] + "-" + key[16:]
}

// bareKey is the form by which keycodes are compared.
func bareKey(key string) string { return strings.ToUpper(strings.ReplaceAll(key, "-", "")) }
