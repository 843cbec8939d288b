package optimove

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// data is the state of the mock's Optimove tenant. The initial state depends
// only on the seed, so that a test can name it; what clients add is bounded.
type data struct {
	env surface.Env

	mu         sync.Mutex
	generated  bool // lock has generated the customers
	customers  []*customer
	byID       map[string]*customer
	groups     []targetGroup
	lists      map[string]bool
	listeners  []listener
	announced  time.Time // newest day of which the listeners know
	promotions []promotion
	templates  []template
	apps       []app
	sent       map[string]bool // UniqueMessageIDs, bounded by sentOrder
	sentOrder  []string
	sends      int
	requests   uint64
}

// The bounds of what clients can add.
const (
	maxCustomers = 10_000
	maxStored    = 10_000 // promotions, templates, apps, message IDs
	maxLists     = 100
)

// customer is one customer. values holds the attributes by RealFieldName.
type customer struct {
	index        int
	id           string
	values       map[string]string
	stage        int
	segment      int
	microsegment int
	group        int
	future       float64
}

type attribute struct {
	name, description string
	number            bool // accepts only integers
	fixed             bool // UpdateCustomerAttributes is disabled
}

func attributes() []attribute {
	return []attribute{
		{"Age", "Customer age", true, false},
		{"Alias", "Customer alias", false, false},
		{"Country", "Country of residence", false, false},
		{"Email", "E-mail address", false, false},
		{"FavoriteSport", "Favourite sport", false, false},
		{"LifetimeValue", "Revenue to date", false, true},
		{"OptimailUnsubscribed", "Brands the customer unsubscribed from", false, false},
		{"SignupDate", "Date of registration", false, true},
	}
}

// Attributes returns the names of the customer attributes.
func Attributes() []string {
	all := attributes()
	names := make([]string, 0, len(all))
	for _, a := range all {
		names = append(names, a.name)
	}
	return names
}

// Channels returns the IDs of the execution channels.
func Channels() []int {
	all := channels()
	ids := make([]int, 0, len(all))
	for _, c := range all {
		ids = append(ids, c.id)
	}
	return ids
}

func attributeByName(name string) (attribute, bool) {
	for _, a := range attributes() {
		if a.name == name {
			return a, true
		}
	}
	return attribute{}, false
}

type named struct {
	id   int
	name string
}

func stages() []named {
	return []named{{1, "New"}, {2, "Active"}, {3, "FromChurn"}, {4, "Churn"}}
}

func segments() []named {
	return []named{{1, "Diamond"}, {2, "Gold"}, {3, "Silver"}, {4, "Bronze"}}
}

// actions returns the actions. ID 1 is the control group (page "Customer One Time
// Actions By Date").
func actions() []named {
	return []named{{1, "Control Group"}, {19, "Free Lorem class"}, {25, "Fitsum towel"}, {42, "Two weeks of ipsum"}, {104, "10% dolor bonus"}}
}

func channels() []named {
	return []named{{4, "SMS"}, {6, "Push"}, {504, "Optimail"}, {505, "Lorem Mail"}}
}

type targetGroup struct {
	TargetGroupID       int
	TargetGroupName     string
	TargetGroupPriority int
}

func newData(env surface.Env) *data {
	d := &data{
		env: env, byID: make(map[string]*customer), lists: make(map[string]bool), sent: make(map[string]bool),
		groups: []targetGroup{
			{1, "Lorem regulars", 1},
			{2, "Fitsum newcomers", 2},
			{3, "Early ipsum", 3},
			{4, "Sleeping dolor", 4},
			{5, "Weekend amet", 5},
		},
		promotions: []promotion{{"WB23", "Welcome back, Lorem"}, {"NV10", "Fitsum 10%"}},
		templates: []template{
			{504, 8, "Welcome Lorem", ""},
			{504, 12, "Fitsum news", ""},
			{505, 7, "Back to ipsum", "app1"},
		},
		apps: []app{{6, "app1", "Lorem Fitsum for phones"}},
	}
	return d
}

// lock locks mu and generates the customers at the first use, so that servers
// without requests for customers start faster.
func (d *data) lock() {
	d.mu.Lock()
	if d.generated {
		return
	}
	d.generated = true
	random := rand.New(rand.NewPCG(d.env.Seed, d.env.Seed^0x6f7074696d6f7665)) //nolint:gosec // generated data, repeatable on purpose
	sports := []string{"Lorem", "Ipsum", "Dolor", "Fitsum"}
	countries := []string{"UK", "DE", "DK", "ES", "SE"}
	for i := range 120 {
		c := d.add("A" + strconv.Itoa(1001+i))
		c.stage, c.segment, c.microsegment, c.group = i%4+1, i%4+1, i%6+1, i%5+1
		c.future = float64(random.IntN(100_000)) / 100
		c.values["Alias"] = sports[random.IntN(len(sports))] + strconv.Itoa(100+random.IntN(900))
		c.values["Country"] = countries[random.IntN(len(countries))]
		c.values["Email"] = "customer" + strconv.Itoa(1001+i) + "@example.com"
		c.values["Age"] = strconv.Itoa(18 + random.IntN(60))
		c.values["FavoriteSport"] = sports[random.IntN(len(sports))]
		c.values["LifetimeValue"] = strconv.Itoa(random.IntN(5000))
		c.values["SignupDate"] = fmt.Sprintf("2025-%02d-%02d", 1+random.IntN(12), 1+random.IntN(28))
	}
}

// add creates a customer with the stage, segment and group of new customers.
// The caller holds mu.
func (d *data) add(id string) *customer {
	c := &customer{index: len(d.customers), id: id, values: make(map[string]string), stage: 1, segment: 4, microsegment: 1, group: 2}
	d.customers = append(d.customers, c)
	d.byID[id] = c
	return c
}

// requestID returns a UUID that is repeatable for a seed. The caller holds mu.
func (d *data) requestID() string {
	d.requests++
	random := rand.New(rand.NewPCG(d.env.Seed, d.requests)) //nolint:gosec // repeatable on purpose
	a, b := random.Uint64(), random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff)
}

func nameOf(list []named, id int) (string, bool) {
	for _, n := range list {
		if n.id == id {
			return n.name, true
		}
	}
	return "", false
}

func idOf(list []named, name string) (int, bool) {
	for _, n := range list {
		if n.name == name {
			return n.id, true
		}
	}
	return 0, false
}

// lastUpdate returns the day of the newest data: yesterday on the mock clock.
func lastUpdate(now time.Time) time.Time { return midnight(now).AddDate(0, 0, -1) }
