// Package optimove plays Optimove's API: today four functions.
package optimove

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// maxPromotions is the documented batch size of AddPromotions.
const maxPromotions = 100

type promotion struct {
	PromoCode     string
	PromotionName string
}

type data struct {
	mu         sync.Mutex
	promotions map[string]string
}

// New builds the routes. Samples write /current/{group}/{Function}, reference
// pages leave /current out: both work.
func New(surface.Env) []surface.Route {
	d := &data{promotions: make(map[string]string)}
	// "Integrations" keys may call general, actions, target groups and
	// integrations, not customers (page "Roles & permissions").
	customers := surface.Need{Access: []string{"Admin", "Transactional"}}
	var routes []surface.Route
	add := func(method, path string, need surface.Need, h func(http.ResponseWriter, *surface.Call)) {
		for _, prefix := range []string{"/current", ""} {
			routes = append(routes, surface.Route{Pattern: method + " " + prefix + path, Need: need, Handle: h})
		}
	}
	add("GET", "/general/GetLastDataUpdate", surface.Need{}, func(w http.ResponseWriter, c *surface.Call) {
		surface.JSON(w, http.StatusOK, map[string]string{"Date": c.Now.AddDate(0, 0, -1).Format("2006-01-02")})
	})
	add("GET", "/groups/GetTargetGroupDetails", surface.Need{}, targetGroups)
	add("GET", "/customers/GetCustomerOneTimeActionsByDate", customers, oneTimeActions)
	add("POST", "/integrations/AddPromotions", surface.Need{}, d.addPromotions)
	return routes
}

func targetGroups(w http.ResponseWriter, _ *surface.Call) {
	type group struct {
		TargetGroupID       int
		TargetGroupName     string
		TargetGroupPriority int
	}
	surface.JSON(w, http.StatusOK, []group{{1, "Lorem regulars", 1}, {2, "Fitsum newcomers", 2}})
}

func oneTimeActions(w http.ResponseWriter, c *surface.Call) {
	if c.URL.Query().Get("Date") == "" {
		http.Error(w, "Date is required", http.StatusBadRequest)
		return
	}
	type action struct {
		CustomerID          string
		ActionID, ChannelID int
	}
	surface.JSON(w, http.StatusOK, []action{{"A1001", 19, 504}, {"A1002", 1, 504}})
}

// addPromotions: at most 100, an existing code is replaced, 200 without payload.
func (d *data) addPromotions(w http.ResponseWriter, c *surface.Call) {
	var list []promotion
	if err := json.Unmarshal(c.Data, &list); err != nil || len(list) == 0 {
		http.Error(w, "a JSON array of promotions is required", http.StatusBadRequest)
		return
	}
	if len(list) > maxPromotions {
		http.Error(w, "at most 100 promotions per call", http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	for _, p := range list {
		d.promotions[p.PromoCode] = p.PromotionName
	}
	d.mu.Unlock()
	w.WriteHeader(http.StatusOK)
}
