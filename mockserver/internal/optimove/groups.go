package optimove

import (
	"slices"
)

func targetGroupsByDate(_ *data, req *request) any {
	type row struct{ TargetGroupID int }
	var rows []row
	for _, c := range campaignsOf(req.date(), req.Now) {
		if !c.oneTime() {
			rows = append(rows, row{c.group})
		}
	}
	slices.SortFunc(rows, func(x, y row) int { return x.TargetGroupID - y.TargetGroupID })
	return list(req, slices.Compact(rows))
}

func targetGroupID(d *data, req *request) any {
	name := req.text("TargetGroupName")
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.groups {
		if g.TargetGroupName == name {
			return struct{ TargetGroupID int }{g.TargetGroupID}
		}
	}
	return notFound()
}

func targetGroupName(d *data, req *request) any {
	id := req.id("TargetGroupID")
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.groups {
		if g.TargetGroupID == id {
			return struct{ TargetGroupName string }{g.TargetGroupName}
		}
	}
	return notFound()
}

func targetGroupDetails(d *data, req *request) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return list(req, slices.Clone(d.groups))
}

// createList creates a target group from the customers that exist. The page
// "Introduction to the Customer Lists API" lists the refusals.
func createList(d *data, req *request) any {
	var in struct {
		Name      string   `json:"list-name"`
		Customers []string `json:"customers"`
	}
	if !req.body(&in) {
		return nil
	}
	d.lock()
	defer d.mu.Unlock()
	switch {
	case in.Name == "":
		return invalid("list-name is required")
	case len(in.Customers) == 0:
		return invalid("The customer list is empty")
	case d.lists[in.Name] || slices.ContainsFunc(d.groups, func(g targetGroup) bool { return g.TargetGroupName == in.Name }):
		return invalid("The list name is not unique")
	case len(d.lists) >= maxLists:
		return invalid("The limit of customer lists is reached")
	}
	found, missing := make(map[string]bool), []string{}
	for _, id := range in.Customers {
		if d.byID[id] == nil {
			missing = append(missing, id)
			continue
		}
		found[id] = true
	}
	if len(found) == 0 {
		return invalid("The list has no valid customer IDs")
	}
	d.lists[in.Name] = true
	last := 0
	for _, g := range d.groups {
		last = max(last, g.TargetGroupID)
	}
	g := targetGroup{last + 1, in.Name, len(d.groups) + 1}
	d.groups = append(d.groups, g)
	return struct {
		Group    int      `json:"target-group-id"`
		List     int      `json:"list-id"`
		Name     string   `json:"list-name"`
		Existing int      `json:"existed-customers"`
		Missing  []string `json:"non-existed-customers"`
	}{g.TargetGroupID, len(d.lists), in.Name, len(found), missing}
}
