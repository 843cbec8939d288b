package optimove

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// document is what the tenant stores, with the vendor's names. Campaigns and
// whom they reach follow from the clock and the order of the customers.
type document struct {
	customers  []customerData
	groups     []groupData
	listeners  []listener
	promotions []promotion
	templates  []templateData
	apps       []app
	messages   []messageData
}

type customerData struct {
	CustomerID       string
	LifecycleStageID int
	ValueSegmentID   int
	MicrosegmentID   int
	TargetGroupID    int
	FutureValue      float64
	Attributes       map[string]string // by RealFieldName
}

type groupData struct {
	targetGroup
	CustomerList bool `json:",omitempty"` // made of a list of customers
}

type templateData struct {
	ChannelID    int
	TemplateID   int
	TemplateName string
	AppID        string `json:",omitempty"`
}

// messageData is a send that must not be repeated.
type messageData struct{ UniqueMessageID string }

func (d *data) data() surface.Data {
	return &surface.Tables[document]{
		Collections: []surface.Collection[document]{
			surface.Of("customers", func(x *document) *[]customerData { return &x.customers }),
			surface.Of("targetGroups", func(x *document) *[]groupData { return &x.groups }),
			surface.Of("eventListeners", func(x *document) *[]listener { return &x.listeners }),
			surface.Of("promotions", func(x *document) *[]promotion { return &x.promotions }),
			surface.Of("channelTemplates", func(x *document) *[]templateData { return &x.templates }),
			surface.Of("channelApps", func(x *document) *[]app { return &x.apps }),
			surface.Of("uniqueMessageIDs", func(x *document) *[]messageData { return &x.messages }),
		},
		Show: func() document {
			d.lock()
			defer d.mu.Unlock()
			return d.show()
		},
		Change: func(edit func(*document) error) error {
			d.lock()
			defer d.mu.Unlock()
			x := d.show()
			if err := edit(&x); err != nil {
				return err
			}
			if err := x.check(); err != nil {
				return err
			}
			d.take(&x)
			return nil
		},
	}
}

// show copies the data. The caller holds mu.
func (d *data) show() document {
	x := document{
		listeners: slices.Clone(d.listeners), promotions: slices.Clone(d.promotions), apps: slices.Clone(d.apps),
	}
	for _, c := range d.customers {
		x.customers = append(x.customers, customerData{c.id, c.stage, c.segment, c.microsegment, c.group, c.future, maps.Clone(c.values)})
	}
	for _, g := range d.groups {
		x.groups = append(x.groups, groupData{g, d.lists[g.TargetGroupName]})
	}
	for _, t := range d.templates {
		x.templates = append(x.templates, templateData(t))
	}
	for _, id := range d.sentOrder {
		x.messages = append(x.messages, messageData{id})
	}
	return x
}

// take makes the data what a checked document says. The caller holds mu.
func (d *data) take(x *document) {
	d.customers, d.byID, d.lists, d.sent = nil, make(map[string]*customer), make(map[string]bool), make(map[string]bool)
	d.groups, d.templates, d.sentOrder = nil, nil, nil
	d.listeners, d.promotions, d.apps = x.listeners, x.promotions, x.apps
	for _, in := range x.customers {
		c := d.add(in.CustomerID)
		c.stage, c.segment, c.microsegment, c.group, c.future = in.LifecycleStageID, in.ValueSegmentID, in.MicrosegmentID, in.TargetGroupID, in.FutureValue
		maps.Copy(c.values, in.Attributes)
	}
	for _, in := range x.groups {
		d.groups = append(d.groups, in.targetGroup)
		if in.CustomerList {
			d.lists[in.TargetGroupName] = true
		}
	}
	for _, in := range x.templates {
		d.templates = append(d.templates, template(in))
	}
	for _, in := range x.messages {
		d.sent[in.UniqueMessageID] = true
		d.sentOrder = append(d.sentOrder, in.UniqueMessageID)
	}
	d.sends = max(d.sends, len(d.sentOrder)) // the ID of a send is not given twice
}

// check says which element and member is wrong.
func (x *document) check() error {
	return first(
		x.checkGroups, x.checkCustomers, x.checkChannels, x.checkListeners,
		func() error {
			return surface.Distinct("promotions", x.promotions, "PromoCode", func(p *promotion) string { return p.PromoCode })
		},
		func() error {
			return each("promotions", x.promotions, maxStored, func(p *promotion) string {
				return unless(p.PromoCode != "" && p.PromotionName != "", "PromoCode and PromotionName are not both given")
			})
		},
		func() error {
			return surface.Distinct("uniqueMessageIDs", x.messages, "UniqueMessageID", func(m *messageData) string { return m.UniqueMessageID })
		},
		func() error {
			return each("uniqueMessageIDs", x.messages, maxStored, func(m *messageData) string {
				return unless(m.UniqueMessageID != "" && len(m.UniqueMessageID) <= maxUniqueMessageID, "UniqueMessageID has 1 to 254 characters")
			})
		},
	)
}

// first runs checks up to the first that fails.
func first(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// each runs a check, which returns what is wrong, over a bounded collection.
func each[T any](name string, items []T, most int, wrong func(*T) string) error {
	if len(items) > most {
		return fmt.Errorf("%s: %d items, at most %d fit", name, len(items), most)
	}
	for i := range items {
		if text := wrong(&items[i]); text != "" {
			return surface.At(name, i, errors.New(text))
		}
	}
	return nil
}

func unless(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}

func (x *document) checkGroups() error {
	return first(
		func() error {
			return surface.Distinct("targetGroups", x.groups, "TargetGroupID", func(g *groupData) int { return g.TargetGroupID })
		},
		func() error {
			return surface.Distinct("targetGroups", x.groups, "TargetGroupName", func(g *groupData) string { return g.TargetGroupName })
		},
		func() error {
			lists := 0
			return each("targetGroups", x.groups, maxStored, func(g *groupData) string {
				if g.CustomerList {
					lists++
				}
				switch {
				case g.TargetGroupID < 1 || g.TargetGroupName == "":
					return "TargetGroupID, from 1, and TargetGroupName are not both given"
				case lists > maxLists:
					return fmt.Sprintf("CustomerList: at most %d lists fit", maxLists)
				}
				return ""
			})
		},
	)
}

func (x *document) checkCustomers() error {
	if err := surface.Distinct("customers", x.customers, "CustomerID", func(c *customerData) string { return c.CustomerID }); err != nil {
		return err
	}
	groups := make(map[int]bool, len(x.groups))
	for _, g := range x.groups {
		groups[g.TargetGroupID] = true
	}
	return each("customers", x.customers, maxCustomers, func(c *customerData) string {
		switch {
		case c.CustomerID == "" || len(c.CustomerID) > 200:
			return "CustomerID has 1 to 200 characters"
		case c.LifecycleStageID < 1 || c.LifecycleStageID > len(stages()):
			return "LifecycleStageID is none of GetLifecycleStageList"
		case c.ValueSegmentID < 1 || c.ValueSegmentID > len(segments()):
			return "ValueSegmentID is none of GetValueSegmentList"
		case c.MicrosegmentID < 1 || c.MicrosegmentID > microsegmentCount:
			return "MicrosegmentID is none of GetMicrosegmentList"
		case !groups[c.TargetGroupID]:
			return "TargetGroupID is none of targetGroups"
		}
		for _, name := range slices.Sorted(maps.Keys(c.Attributes)) {
			def, known := attributeByName(name)
			n, err := strconv.Atoi(c.Attributes[name])
			switch {
			case !known:
				return fmt.Sprintf("Attributes: %.40q is none of GetCustomerAttributeList", name)
			case len(c.Attributes[name]) > maxValue:
				return fmt.Sprintf("Attributes: %s has more than %d bytes", name, maxValue)
			case def.number && (err != nil || n < 0):
				return "Attributes: " + name + " is no integer of 0 or more"
			}
		}
		return ""
	})
}

// checkChannels checks templates and apps, which belong to a channel.
func (x *document) checkChannels() error {
	known := func(id int) bool { _, ok := nameOf(channels(), id); return ok }
	return first(
		func() error {
			return surface.Distinct("channelTemplates", x.templates, "ChannelID with TemplateID", func(t *templateData) [2]int { return [2]int{t.ChannelID, t.TemplateID} })
		},
		func() error {
			return each("channelTemplates", x.templates, maxStored, func(t *templateData) string {
				return unless(known(t.ChannelID) && t.TemplateID > 0 && t.TemplateName != "", "ChannelID is unknown, or TemplateID or TemplateName missing")
			})
		},
		func() error {
			type key struct {
				channel int
				app     string
			}
			return surface.Distinct("channelApps", x.apps, "ChannelID with AppID", func(o *app) key { return key{o.ChannelID, o.AppID} })
		},
		func() error {
			return each("channelApps", x.apps, maxStored, func(o *app) string {
				return unless(known(o.ChannelID) && o.AppID != "" && o.AppName != "", "ChannelID is unknown, or AppID or AppName missing")
			})
		},
	)
}

func (x *document) checkListeners() error {
	type key struct{ event, channel int }
	of := func(l *listener) key {
		if l.ChannelID == nil {
			return key{l.EventTypeID, -1}
		}
		return key{l.EventTypeID, *l.ChannelID}
	}
	if err := surface.Distinct("eventListeners", x.listeners, "EventTypeID with ChannelID", of); err != nil {
		return err
	}
	return each("eventListeners", x.listeners, maxStored, func(l *listener) string {
		switch {
		case !slices.Contains(eventTypes(), l.EventTypeID):
			return "EventTypeID is none of 1, 2, 3, 4, 5, 11, 13"
		case !isListenerURL(l.ListenerURL):
			return "ListenerURL is no absolute http or https URL"
		case l.ChannelID != nil && l.EventTypeID == eventChannelless:
			return "ChannelID: event 5 has none"
		case l.ChannelID != nil:
			_, known := nameOf(channels(), *l.ChannelID)
			return unless(known, "ChannelID is unknown")
		}
		return ""
	})
}
