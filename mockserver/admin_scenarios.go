package mockserver

import (
	"net/http"
	"strings"
)

func scenarioRoutes() []adminRoute {
	const path = nsPath + "/scenario"
	return []adminRoute{
		{method: "GET", path: "/v1/scenarios", summary: "The scenarios that are ready, whole", out: page[Scenario]{}, handle: func(*adminCall) (any, error) { return page[Scenario]{Items: Scenarios()}, nil }},
		{method: "GET", path: path, summary: "How far the scenario is that plays, or has played last", out: ScenarioStatus{}, handle: adminScenario},
		{method: "POST", path: path, summary: "Play a scenario from now on, on the clock of the namespace", in: playBody{}, out: ScenarioStatus{}, status: http.StatusCreated, handle: adminPlay},
		{method: "DELETE", path: path, summary: "Stop the scenario: what it has set for a time is undone", handle: adminStopScenario},
		{method: "POST", path: path + "/take", summary: "The keys that the steps have issued since the last call, with their values; only this response has them", out: page[issuedView]{}, once: true, handle: adminTake},
	}
}

type playBody struct {
	Name      string     `json:"name"      doc:"of a scenario that is ready"`
	Scenario  *Scenario  `json:"scenario"  doc:"or a whole one"`
	Providers []Provider `json:"providers" doc:"what steps without a provider are about; absent: all"`
}

// scenario returns what a body asks for.
func (play *playBody) scenario() (Scenario, error) {
	switch {
	case (play.Name == "") == (play.Scenario == nil):
		return Scenario{}, refused(http.StatusBadRequest, "give name or scenario: the one is ready, the other your own")
	case play.Scenario != nil:
		return *play.Scenario, nil
	}
	s, ok := readyScenario(play.Name)
	if !ok {
		names := scenarioNames()
		return s, refused(http.StatusNotFound, "%s %.70q; there are %s%s", ErrNoSuchScenario, play.Name, strings.Join(names, ", "), meant(play.Name, names))
	}
	return s, nil
}

func scenarioNames() []string {
	all := Scenarios()
	names := make([]string, 0, len(all))
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

func adminPlay(c *adminCall) (any, error) {
	var in playBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	s, err := in.scenario()
	if err != nil {
		return nil, err
	}
	p, err := c.ns.Play(s, in.Providers...)
	if err != nil {
		return nil, err
	}
	return p.Status(), nil
}

// playing is the scenario of the namespace.
func (call *adminCall) playing() (*Playing, error) {
	if p := call.ns.Playing(); p != nil {
		return p, nil
	}
	return nil, refused(http.StatusNotFound, "%s", ErrNoScenario)
}

func adminScenario(c *adminCall) (any, error) {
	p, err := c.playing()
	if err != nil {
		return nil, err
	}
	return p.Status(), nil
}

func adminStopScenario(c *adminCall) (any, error) {
	p, err := c.playing()
	if err != nil {
		return nil, err
	}
	if p.State() != ScenarioPlays {
		return nil, refused(http.StatusNotFound, "%s", ErrNoScenario)
	}
	p.Stop()
	return nil, nil
}

func adminTake(c *adminCall) (any, error) {
	p, err := c.playing()
	if err != nil {
		return nil, err
	}
	out := page[issuedView]{Items: []issuedView{}}
	for _, i := range p.Take() {
		out.Items = append(out.Items, viewIssued(i))
	}
	return out, nil
}
