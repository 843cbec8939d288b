package optimove

import "slices"

func attributeList(_ *data, req *request) any {
	type row struct{ RealFieldName, Description string }
	rows := []row{}
	for _, x := range attributes() {
		if req.sharesAttribute(x.name) {
			rows = append(rows, row{x.name, x.description})
		}
	}
	return list(req, rows)
}

// sharesAttribute reports whether the key may read an attribute.
func (req *request) sharesAttribute(name string) bool {
	return len(req.Caller.Attributes) == 0 || slices.Contains(req.Caller.Attributes, name)
}

func lifecycleStages(*data, *request) any {
	type row struct {
		StageID   int
		StageName string
	}
	rows := make([]row, 0, 4)
	for _, s := range stages() {
		rows = append(rows, row{s.id, s.name})
	}
	return rows
}

// microsegmentCount is the highest MicrosegmentID in microsegments.
const microsegmentCount = 6

func microsegments(*data, *request) any {
	type row struct {
		MicrosegmentID   int
		MicrosegmentName string
		LifecycleStageID int
		FutureValue      float64
		ChurnRate        float64
	}
	return []row{
		{1, "Lorem-New", 1, 870.55, 0.55},
		{2, "Lorem-Active", 2, 1065.10, 0.52},
		{3, "Ipsum-Active", 2, 1213.76, 0.57},
		{4, "Ipsum-FromChurn", 3, 411.20, 0.61},
		{5, "Dolor-Churn", 4, 95.35, 0.93},
		{6, "Fitsum-New", 1, 640.05, 0.40},
	}
}

// microsegmentChangers lists the customers whose microsegment changed on the last
// day with data. It ignores the dates that older clients send.
func microsegmentChangers(d *data, req *request) any {
	type row struct {
		CustomerID            string
		InitialMicrosegmentID int
		FinalMicrosegmentID   int
		selectedAttributes
	}
	pick := req.selectAttributes()
	return pagedList(req, collectRows(d, func(c *customer) (row, bool) {
		return row{c.id, (c.microsegment+3)%6 + 1, c.microsegment, pick.valuesOf(c)}, c.index%13 == 0
	}))
}

func valueSegments(*data, *request) any {
	type row struct {
		ValueSegmentName string
		ValueSegmentID   int
	}
	rows := make([]row, 0, 4)
	for _, s := range segments() {
		rows = append(rows, row{s.name, s.id})
	}
	return rows
}

func valueSegmentID(_ *data, req *request) any {
	id, ok := idOf(segments(), req.text("ValueSegmentName"))
	if !ok {
		return notFound()
	}
	return struct{ ValueSegmentID int }{id}
}

func valueSegmentName(_ *data, req *request) any {
	name, ok := nameOf(segments(), req.id("ValueSegmentID"))
	if !ok {
		return notFound()
	}
	return struct{ ValueSegmentName string }{name}
}

func customersByValueSegment(d *data, req *request) any {
	segment, day, pick := req.id("ValueSegmentID"), req.date(), req.selectAttributes()
	known := len(campaignsOf(day, req.Now)) > 0
	return pagedList(req, collectRows(d, func(c *customer) (customerRow, bool) {
		return customerRow{c.id, pick.valuesOf(c)}, known && c.segment == segment
	}))
}

func valueSegmentChangers(d *data, req *request) any {
	type row struct {
		CustomerID            string
		InitialValueSegmentID int
		FinalValueSegmentID   int
		selectedAttributes
	}
	pick := req.selectAttributes()
	return pagedList(req, collectRows(d, func(c *customer) (row, bool) {
		return row{c.id, c.segment%4 + 1, c.segment, pick.valuesOf(c)}, c.index%17 == 0
	}))
}
