package optimove

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit"
)

// CustomersService is the functions of the group customers. No function lists the
// customers of a target group as such: ActionsByTargetGroup comes nearest.
type CustomersService struct {
	// CurrentlyTargeted are the customers in campaigns that are running.
	//
	// Function GetCurrentlyTargetedCustomers. Access: Admin and Transactional keys.
	CurrentlyTargeted *List[Window, TargetedCustomer]
	// CanceledCampaign are the customers of a campaign that was canceled. Optimove keeps
	// them for two hours.
	//
	// Function GetCanceledCampaignCustomers. Access: Admin and Transactional keys.
	CanceledCampaign *List[ByCampaign, CanceledCustomer]
	// ActionsByTargetGroup are the customers of a target group on a day, and their actions.
	//
	// Function GetCustomerActionsByTargetGroup. Access: Admin and Transactional keys.
	ActionsByTargetGroup *List[ByTargetGroup, CustomerAction]
	// OneTimeActionsByCampaign are the customers of a one-time campaign, and their actions.
	//
	// Function GetCustomerOneTimeActionsByCampaign. Access: Admin and Transactional keys.
	OneTimeActionsByCampaign *List[OneTimeByCampaign, CustomerAction]
	// OneTimeActionsByDate are the customers of a day's one-time campaigns, and their
	// actions.
	//
	// Function GetCustomerOneTimeActionsByDate. Access: Admin and Transactional keys.
	OneTimeActionsByDate *List[OneTimeByDate, CustomerAction]
	// ByAction are the customers that got an action on a day.
	//
	// Function GetCustomersByAction. Access: Admin and Transactional keys.
	ByAction *List[ByAction, Customer]
	// ActionEndedByDate are the customers whose action ended on a day.
	//
	// Function GetCustomersActionEndedByDate. Access: Admin and Transactional keys.
	ActionEndedByDate *List[ByDate, PastAction]
	// ActionDetailsByDate are the customers that got any action on a day.
	//
	// Function GetCustomerActionDetailsByDate. Access: Admin and Transactional keys.
	ActionDetailsByDate *List[ByDate, CustomerAction]
	// SendDetailsByCampaign are the messages of a campaign.
	//
	// Function GetCustomerSendDetailsByCampaign. Access: Admin and Transactional keys.
	SendDetailsByCampaign *List[SendsByCampaign, CustomerSend]
	// SendDetailsByChannel are the messages of a campaign through one channel.
	//
	// Function GetCustomerSendDetailsByChannel. Access: Admin and Transactional keys.
	SendDetailsByChannel *List[SendsByChannel, CustomerSend]
	// FutureValues is what customers are expected to be worth.
	//
	// Function GetCustomerFutureValues. Access: Admin and Transactional keys.
	FutureValues *List[FutureValues, FutureValue]
	// AttributeChangers are the customers of whom an attribute changed since the day before.
	//
	// Function GetCustomerAttributeChangers. Access: Admin and Transactional keys.
	AttributeChangers *List[AttributeChangers, AttributeChanger]

	client *keyfit.Client
}

func newCustomers(c *keyfit.Client) *CustomersService {
	const group = "/current/customers/"
	return &CustomersService{
		CurrentlyTargeted:        newList[Window, TargetedCustomer](c, group+"GetCurrentlyTargetedCustomers"),
		CanceledCampaign:         newList[ByCampaign, CanceledCustomer](c, group+"GetCanceledCampaignCustomers"),
		ActionsByTargetGroup:     newList[ByTargetGroup, CustomerAction](c, group+"GetCustomerActionsByTargetGroup"),
		OneTimeActionsByCampaign: newList[OneTimeByCampaign, CustomerAction](c, group+"GetCustomerOneTimeActionsByCampaign"),
		OneTimeActionsByDate:     newList[OneTimeByDate, CustomerAction](c, group+"GetCustomerOneTimeActionsByDate"),
		ByAction:                 newList[ByAction, Customer](c, group+"GetCustomersByAction"),
		ActionEndedByDate:        newList[ByDate, PastAction](c, group+"GetCustomersActionEndedByDate"),
		ActionDetailsByDate:      newList[ByDate, CustomerAction](c, group+"GetCustomerActionDetailsByDate"),
		SendDetailsByCampaign:    newList[SendsByCampaign, CustomerSend](c, group+"GetCustomerSendDetailsByCampaign"),
		SendDetailsByChannel:     newList[SendsByChannel, CustomerSend](c, group+"GetCustomerSendDetailsByChannel"),
		FutureValues:             newList[FutureValues, FutureValue](c, group+"GetCustomerFutureValues"),
		AttributeChangers:        newList[AttributeChangers, AttributeChanger](c, group+"GetCustomerAttributeChangers"),
		client:                   c,
	}
}

// LastAction is the last action of a customer, [keyfit.ErrNotFound] if there is none.
//
// Function GetCustomerLastActionExecuted. Access: Admin and Transactional keys.
func (s *CustomersService) LastAction(ctx context.Context, customer string, opts ...keyfit.CallOption) (PastAction, error) {
	return get[PastAction](ctx, s.client, "/current/customers/GetCustomerLastActionExecuted", new(params).text("CustomerID", customer), opts)
}

// ByCampaign asks by campaign.
type ByCampaign struct {
	CampaignID ID // required
	Window
}

func (q ByCampaign) params() *params { return new(params).id("CampaignID", q.CampaignID) }

// ByDate asks by day.
type ByDate struct {
	Date Date // required
	Window
}

func (q ByDate) params() *params { return new(params).date(q.Date) }

// ByTargetGroup asks by target group and day.
type ByTargetGroup struct {
	TargetGroupID           ID       // required
	Date                    Date     // required
	ChannelID               ID       // 0 is every channel
	IncludeControlGroup     bool     // also customers to whom nothing was done
	IncludeRecipientGroupID bool     // tell the RecipientGroupID
	Attributes              []string // customer attributes to read along
	Window
}

func (q ByTargetGroup) params() *params {
	return new(params).id("TargetGroupID", q.TargetGroupID).date(q.Date).optional("ChannelID", q.ChannelID).
		flag("IncludeControlGroup", q.IncludeControlGroup).flag("IncludeRecipientGroupID", q.IncludeRecipientGroupID).names(q.Attributes)
}

// OneTimeByCampaign asks for the actions of a one-time campaign.
type OneTimeByCampaign struct {
	CampaignID          ID       // required
	ChannelID           ID       // 0 is every channel
	IncludeControlGroup bool     // also customers to whom nothing was done
	Attributes          []string // customer attributes to read along
	Window
}

func (q OneTimeByCampaign) params() *params {
	return new(params).id("CampaignID", q.CampaignID).optional("ChannelID", q.ChannelID).
		flag("IncludeControlGroup", q.IncludeControlGroup).names(q.Attributes)
}

// OneTimeByDate asks for the actions of a day's one-time campaigns.
type OneTimeByDate struct {
	Date                Date     // required
	ChannelID           ID       // 0 is every channel
	IncludeControlGroup bool     // also customers to whom nothing was done
	Attributes          []string // customer attributes to read along
	Window
}

func (q OneTimeByDate) params() *params {
	return new(params).date(q.Date).optional("ChannelID", q.ChannelID).
		flag("IncludeControlGroup", q.IncludeControlGroup).names(q.Attributes)
}

// ByAction asks by recipient group, action and day.
type ByAction struct {
	RecipientGroupID ID       // required
	ActionID         ID       // required
	Date             Date     // required
	Attributes       []string // customer attributes to read along
	Window
}

func (q ByAction) params() *params {
	return new(params).id("RecipientGroupID", q.RecipientGroupID).id("ActionID", q.ActionID).date(q.Date).names(q.Attributes)
}

// SendsByCampaign asks for the messages of a campaign.
type SendsByCampaign struct {
	CampaignID         ID   // required
	IncludeTemplateIDs bool // tell the TemplateID
	Window
}

func (q SendsByCampaign) params() *params {
	return new(params).id("CampaignID", q.CampaignID).flag("IncludeTemplateIDs", q.IncludeTemplateIDs)
}

// SendsByChannel asks for the messages of a campaign through one channel.
type SendsByChannel struct {
	ChannelID  ID       // required
	CampaignID ID       // required
	Attributes []string // customer attributes to read along
	Window
}

func (q SendsByChannel) params() *params {
	return new(params).id("ChannelID", q.ChannelID).id("CampaignID", q.CampaignID).names(q.Attributes)
}

// FutureValues asks for the customers in some lifecycle stages, or for those with a value
// of an attribute: one of the two.
type FutureValues struct {
	LifecycleStageIDs []ID
	Attribute, Value  string
	Window
}

func (q FutureValues) params() *params {
	p := new(params)
	if (len(q.LifecycleStageIDs) == 0) == (q.Attribute == "") || (q.Attribute == "") != (q.Value == "") {
		p.err = errors.New("either LifecycleStageIDs or Attribute and Value must be given")
		return p
	}
	if q.Attribute != "" {
		return p.text("CustomerAttribute", q.Attribute).text("CustomerAttributeValue", q.Value)
	}
	stages := make([]string, len(q.LifecycleStageIDs))
	for i, id := range q.LifecycleStageIDs {
		if stages[i] = strconv.FormatInt(int64(id), 10); id <= 0 {
			p.fail("LifecycleStageIDs must be 1 or more each")
		}
	}
	return p.set("LifecycleStageID", strings.Join(stages, ","))
}

// AttributeChangers asks who has a new value of an attribute.
type AttributeChangers struct {
	Changed    string   // the one attribute that changed; required
	Attributes []string // customer attributes to read along
	Window
}

func (q AttributeChangers) params() *params {
	return new(params).text("ChangedCustomerAttribute", q.Changed).names(q.Attributes)
}
