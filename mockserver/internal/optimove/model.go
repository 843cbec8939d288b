package optimove

import "slices"

func attributeList(_ *data, a *ask) any {
	type row struct{ RealFieldName, Description string }
	rows := []row{}
	for _, x := range attributes() {
		if a.shared(x.name) {
			rows = append(rows, row{x.name, x.description})
		}
	}
	return list(a, rows)
}

// shared reports whether the key may see an attribute.
func (a *ask) shared(name string) bool {
	return len(a.Caller.Attributes) == 0 || slices.Contains(a.Caller.Attributes, name)
}

func lifecycleStages(*data, *ask) any {
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

// microsegmentCount is the highest MicrosegmentID of the list below.
const microsegmentCount = 6

func microsegments(*data, *ask) any {
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

// microsegmentChangers lists who changed on the last day for which there is
// data; dates, which older clients send, are not asked for.
func microsegmentChangers(d *data, a *ask) any {
	type row struct {
		CustomerID            string
		InitialMicrosegmentID int
		FinalMicrosegmentID   int
		attributed
	}
	pick := a.attributes()
	return customers(a, rowsOf(d, func(c *customer) (row, bool) {
		return row{c.id, (c.microsegment+3)%6 + 1, c.microsegment, pick.of(c)}, c.index%13 == 0
	}))
}

func valueSegments(*data, *ask) any {
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

func valueSegmentID(_ *data, a *ask) any {
	id, ok := idOf(segments(), a.text("ValueSegmentName"))
	if !ok {
		return notFound()
	}
	return struct{ ValueSegmentID int }{id}
}

func valueSegmentName(_ *data, a *ask) any {
	name, ok := nameOf(segments(), a.id("ValueSegmentID"))
	if !ok {
		return notFound()
	}
	return struct{ ValueSegmentName string }{name}
}

func customersByValueSegment(d *data, a *ask) any {
	segment, day, pick := a.id("ValueSegmentID"), a.date(), a.attributes()
	known := len(campaignsOf(day, a.Now)) > 0
	return customers(a, rowsOf(d, func(c *customer) (customerRow, bool) {
		return customerRow{c.id, pick.of(c)}, known && c.segment == segment
	}))
}

func valueSegmentChangers(d *data, a *ask) any {
	type row struct {
		CustomerID            string
		InitialValueSegmentID int
		FinalValueSegmentID   int
		attributed
	}
	pick := a.attributes()
	return customers(a, rowsOf(d, func(c *customer) (row, bool) {
		return row{c.id, c.segment%4 + 1, c.segment, pick.of(c)}, c.index%17 == 0
	}))
}
