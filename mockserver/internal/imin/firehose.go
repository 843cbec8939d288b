package imin

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// The usage policy of the Firehose: pages with items have no limit; the last page,
// which is empty, may be polled at most once every eight seconds.
const (
	pollEvery    = 8 * time.Second
	feedPageSize = 3    // assumed, not documented
	maxPolls     = 4096 // bounds the memory for remembered polls
	fitsumSeller = "https://firehose.imin.co/sellers/loremfitsum/"
)

// feedPage is a page of Realtime Paged Data Exchange (RPDE), which requires the
// member items even when it is empty.
type feedPage struct {
	Next    string     `json:"next"`
	Items   []feedItem `json:"items"`
	License string     `json:"license"`
}

// feedItem has data unless its state is "deleted".
type feedItem struct {
	State    string `json:"state"`
	Kind     string `json:"kind"`
	ID       string `json:"id"`
	Modified int64  `json:"modified"`
	Data     any    `json:"data,omitempty"`
}

type datasetDoc struct {
	Context    []string    `json:"@context"`
	Type       string      `json:"@type"`
	ID         string      `json:"@id"`
	Identifier string      `json:"identifier"`
	Name       string      `json:"name"`
	Publisher  publisherLD `json:"publisher"`
	License    string      `json:"license"`
}

type publisherLD struct {
	Type      string `json:"@type"`
	Name      string `json:"name"`
	LegalName string `json:"legalName"`
}

type sellerDoc struct {
	Context string `json:"@context"`
	Type    string `json:"@type"`
	ID      string `json:"@id"`
}

const licence = "https://creativecommons.org/licenses/by/4.0/"

// datasets is the attribution catalogue (page "Attribution Catalog Endpoint").
func datasets() []feedItem {
	names := [...][2]string{
		{"loremfitsum", "Lorem Fitsum"},
		{"refimpl", "Reference Implementation"},
		{"dolor-active", "Dolor Active"},
		{"ipsum-leisure", "Ipsum Leisure"},
	}
	out := make([]feedItem, 0, len(names))
	for i, n := range names {
		out = append(out, feedItem{"updated", "Dataset", n[0], feedTime(i), datasetDoc{
			Context: []string{"https://schema.org/", "https://openactive.io/"}, Type: "Dataset",
			ID: "https://data.loremfitsum.example/" + n[0] + "/", Identifier: n[0], Name: n[1] + " Sessions and Facilities",
			Publisher: publisherLD{"Organization", n[1], n[1] + " LTD"}, License: licence,
		}})
	}
	return out
}

// sellers returns the sellers that a broker can book (page "Bookable Sellers
// Feed"). The feed of "{broker}-test" has only the test seller; other feeds
// contain a deleted seller.
func sellers(broker string) []feedItem {
	ids := []string{"1", "2", "3", "4", "5"}
	if strings.HasSuffix(broker, "-test") {
		ids = []string{"test"}
	}
	out := make([]feedItem, 0, len(ids))
	for i, id := range ids {
		item := feedItem{State: "updated", Kind: "Seller", ID: id, Modified: feedTime(i)}
		item.Data = sellerDoc{"https://openactive.io/", "Organization", fitsumSeller + id}
		if id == "4" {
			item.State, item.Data = "deleted", nil
		}
		out = append(out, item)
	}
	return out
}

// feedTime returns the modification time of the item at index i. Two items share
// each time, so that clients need afterId. Items are ordered by time, then by ID.
func feedTime(i int) int64 { return 1_700_000_000 + int64(i/2) }

// polls remembers when each caller last read an empty page.
type polls struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// wait returns how long the caller must still wait. If it returns 0, it records
// a poll.
func (ps *polls) wait(who string, now time.Time) time.Duration {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	age := now.Sub(ps.last[who])
	if age >= 0 && age < pollEvery {
		return pollEvery - age
	}
	if len(ps.last) >= maxPolls {
		clear(ps.last) // harmless: a caller may then poll once too early
	}
	ps.last[who] = now
	return 0
}

func (ps *polls) feed(items func(*surface.Call) []feedItem) func(http.ResponseWriter, *surface.Call) {
	return func(w http.ResponseWriter, c *surface.Call) {
		stamp, id, err := feedPosition(c)
		if err != nil {
			badRequest(w, err)
			return
		}
		all := items(c)
		from, _ := slices.BinarySearchFunc(all, feedItem{Modified: stamp, ID: id + "\x00"}, compareItems)
		page := all[from:min(from+feedPageSize, len(all))]
		if len(page) > 0 {
			stamp, id = page[len(page)-1].Modified, page[len(page)-1].ID
		} else if wait := ps.wait(c.Caller.KeyID+" "+c.URL.Path, c.Now); wait > 0 {
			c.Limit(wait, fmt.Sprintf("the last page of a feed may be polled once every %s; %s left", pollEvery, wait))
			return
		}
		next := origin(c) + c.URL.EscapedPath()
		if id != "" {
			next += "?afterTimestamp=" + strconv.FormatInt(stamp, 10) + "&afterId=" + url.QueryEscape(id)
		}
		reply(w, feedPage{next, append([]feedItem{}, page...), licence})
	}
}

func compareItems(a, b feedItem) int {
	return cmp.Or(cmp.Compare(a.Modified, b.Modified), cmp.Compare(a.ID, b.ID))
}

// feedPosition reads afterTimestamp and afterId, which must be given together.
func feedPosition(c *surface.Call) (stamp int64, id string, err error) {
	p, err := parseParams(c.URL.RawQuery, []string{"afterTimestamp", "afterId"})
	if err != nil || len(p) == 0 {
		return 0, "", err
	}
	stamp, err = strconv.ParseInt(p.get("afterTimestamp"), 10, 64)
	if err != nil || p.get("afterId") == "" {
		return 0, "", errors.New("afterTimestamp, a number, and afterId must be given together")
	}
	return stamp, p.get("afterId"), nil
}
