package optimove

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// document is the stored state of the tenant, with the vendor's names. Campaigns
// and their recipients are derived from the clock and the order of the customers.
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
	CustomerList bool `json:",omitempty"` // created from a list of customers
}

type templateData struct {
	ChannelID    int
	TemplateID   int
	TemplateName string
	AppID        string `json:",omitempty"`
}

// messageData is the UniqueMessageID of a past send, which must not be repeated.
type messageData struct{ UniqueMessageID string }

func (d *data) data() surface.Data {
	return &surface.Tables[document]{
		Collections: []surface.Collection[document]{
			surface.NewCollection("targetGroups", func(x *document) *[]groupData { return &x.groups }, "TargetGroupID"),
			surface.NewCollection("customers", func(x *document) *[]customerData { return &x.customers }, "CustomerID"),
			surface.NewCollection("eventListeners", func(x *document) *[]listener { return &x.listeners }, "EventTypeID", "ChannelID"),
			surface.NewCollection("promotions", func(x *document) *[]promotion { return &x.promotions }, "PromoCode"),
			surface.NewCollection("channelTemplates", func(x *document) *[]templateData { return &x.templates }, "ChannelID", "TemplateID"),
			surface.NewCollection("channelApps", func(x *document) *[]app { return &x.apps }, "ChannelID", "AppID"),
			surface.NewCollection("uniqueMessageIDs", func(x *document) *[]messageData { return &x.messages }, "UniqueMessageID"),
		},
		Snapshot: func() document {
			d.lock()
			defer d.mu.Unlock()
			return d.snapshot()
		},
		Update: func(edit func(*document) error) error {
			d.lock()
			defer d.mu.Unlock()
			x := d.snapshot()
			if err := edit(&x); err != nil {
				return err
			}
			if err := x.check(); err != nil {
				return err
			}
			d.load(&x)
			return nil
		},
	}
}

// snapshot copies the state into a document. The caller holds mu.
func (d *data) snapshot() document {
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

// load replaces the state by a validated document. The caller holds mu.
func (d *data) load(x *document) {
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
	d.sends = max(d.sends, len(d.sentOrder)) // never reuse the ID of a send
}

// check validates the document; an error names the element and the member.
func (x *document) check() error {
	return firstError(
		x.checkGroups, x.checkCustomers, x.checkChannels, x.checkListeners,
		func() error {
			return surface.CheckDistinct("promotions", x.promotions, "PromoCode", func(p *promotion) string { return p.PromoCode })
		},
		func() error {
			return checkEach("promotions", x.promotions, maxStored, func(p *promotion) string {
				return messageUnless(p.PromoCode != "" && p.PromotionName != "", "PromoCode and PromotionName are both required")
			})
		},
		func() error {
			return surface.CheckDistinct("uniqueMessageIDs", x.messages, "UniqueMessageID", func(m *messageData) string { return m.UniqueMessageID })
		},
		func() error {
			return checkEach("uniqueMessageIDs", x.messages, maxStored, func(m *messageData) string {
				return messageUnless(m.UniqueMessageID != "" && len(m.UniqueMessageID) <= maxUniqueMessageID, "UniqueMessageID must have 1 to 254 characters")
			})
		},
	)
}

// firstError runs the checks in order and returns the first error.
func firstError(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkEach checks the size of a collection and each item; problem returns ""
// for a valid item.
func checkEach[T any](name string, items []T, most int, problem func(*T) string) error {
	if len(items) > most {
		return fmt.Errorf("%s: %d items, the maximum is %d", name, len(items), most)
	}
	for i := range items {
		if text := problem(&items[i]); text != "" {
			return surface.ElementError(name, i, errors.New(text))
		}
	}
	return nil
}

func messageUnless(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}

func (x *document) checkGroups() error {
	return firstError(
		func() error {
			return surface.CheckDistinct("targetGroups", x.groups, "TargetGroupID", func(g *groupData) int { return g.TargetGroupID })
		},
		func() error {
			return surface.CheckDistinct("targetGroups", x.groups, "TargetGroupName", func(g *groupData) string { return g.TargetGroupName })
		},
		func() error {
			lists := 0
			return checkEach("targetGroups", x.groups, maxStored, func(g *groupData) string {
				if g.CustomerList {
					lists++
				}
				switch {
				case g.TargetGroupID < 1 || g.TargetGroupName == "":
					return "TargetGroupID (1 or more) and TargetGroupName are both required"
				case lists > maxLists:
					return fmt.Sprintf("CustomerList: the maximum is %d lists", maxLists)
				}
				return ""
			})
		},
	)
}

func (x *document) checkCustomers() error {
	if err := surface.CheckDistinct("customers", x.customers, "CustomerID", func(c *customerData) string { return c.CustomerID }); err != nil {
		return err
	}
	groups := make(map[int]bool, len(x.groups))
	for _, g := range x.groups {
		groups[g.TargetGroupID] = true
	}
	return checkEach("customers", x.customers, maxCustomers, func(c *customerData) string {
		switch {
		case c.CustomerID == "" || len(c.CustomerID) > 200:
			return "CustomerID must have 1 to 200 characters"
		case c.LifecycleStageID < 1 || c.LifecycleStageID > len(stages()):
			return "LifecycleStageID is not in GetLifecycleStageList"
		case c.ValueSegmentID < 1 || c.ValueSegmentID > len(segments()):
			return "ValueSegmentID is not in GetValueSegmentList"
		case c.MicrosegmentID < 1 || c.MicrosegmentID > microsegmentCount:
			return "MicrosegmentID is not in GetMicrosegmentList"
		case !groups[c.TargetGroupID]:
			return "TargetGroupID is not in targetGroups"
		}
		for _, name := range slices.Sorted(maps.Keys(c.Attributes)) {
			def, known := attributeByName(name)
			n, err := strconv.Atoi(c.Attributes[name])
			switch {
			case !known:
				return fmt.Sprintf("Attributes: %.40q is not in GetCustomerAttributeList", name)
			case len(c.Attributes[name]) > maxValue:
				return fmt.Sprintf("Attributes: %s has more than %d bytes", name, maxValue)
			case def.number && (err != nil || n < 0):
				return "Attributes: " + name + " must be an integer of 0 or more"
			}
		}
		return ""
	})
}

// checkChannels checks the templates and apps of the channels.
func (x *document) checkChannels() error {
	known := func(id int) bool { _, ok := nameOf(channels(), id); return ok }
	return firstError(
		func() error {
			return surface.CheckDistinct("channelTemplates", x.templates, "ChannelID with TemplateID", func(t *templateData) [2]int { return [2]int{t.ChannelID, t.TemplateID} })
		},
		func() error {
			return checkEach("channelTemplates", x.templates, maxStored, func(t *templateData) string {
				return messageUnless(known(t.ChannelID) && t.TemplateID > 0 && t.TemplateName != "", "ChannelID is unknown, or TemplateID or TemplateName is missing")
			})
		},
		func() error {
			type key struct {
				channel int
				app     string
			}
			return surface.CheckDistinct("channelApps", x.apps, "ChannelID with AppID", func(o *app) key { return key{o.ChannelID, o.AppID} })
		},
		func() error {
			return checkEach("channelApps", x.apps, maxStored, func(o *app) string {
				return messageUnless(known(o.ChannelID) && o.AppID != "" && o.AppName != "", "ChannelID is unknown, or AppID or AppName is missing")
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
	if err := surface.CheckDistinct("eventListeners", x.listeners, "EventTypeID with ChannelID", of); err != nil {
		return err
	}
	return checkEach("eventListeners", x.listeners, maxStored, func(l *listener) string {
		switch {
		case !slices.Contains(eventTypes(), l.EventTypeID):
			return "EventTypeID must be one of 1, 2, 3, 4, 5, 11, 13"
		case !isListenerURL(l.ListenerURL):
			return "ListenerURL must be an absolute http or https URL"
		case l.ChannelID != nil && l.EventTypeID == eventWithoutChannel:
			return "ChannelID is not allowed for event 5"
		case l.ChannelID != nil:
			_, known := nameOf(channels(), *l.ChannelID)
			return messageUnless(known, "ChannelID is unknown")
		}
		return ""
	})
}
