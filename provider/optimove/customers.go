package optimove

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit"
)

// CustomersService calls the functions of the group customers. No function simply lists the
// customers of a target group; ActionsByTargetGroup is the closest one.
type CustomersService struct {
	// CurrentlyTargeted lists the customers of running campaigns.
	//
	// Function GetCurrentlyTargetedCustomers. Access: Admin and Transactional keys.
	CurrentlyTargeted *List[Window, TargetedCustomer]
	// CanceledCampaign lists the customers of a canceled campaign. Optimove keeps them for
	// two hours.
	//
	// Function GetCanceledCampaignCustomers. Access: Admin and Transactional keys.
	CanceledCampaign *List[ByCampaign, CanceledCustomer]
	// ActionsByTargetGroup lists the customers of a target group on a day with their actions.
	//
	// Function GetCustomerActionsByTargetGroup. Access: Admin and Transactional keys.
	ActionsByTargetGroup *List[ByTargetGroup, CustomerAction]
	// OneTimeActionsByCampaign lists the customers of a one-time campaign with their actions.
	//
	// Function GetCustomerOneTimeActionsByCampaign. Access: Admin and Transactional keys.
	OneTimeActionsByCampaign *List[OneTimeByCampaign, CustomerAction]
	// OneTimeActionsByDate lists the customers of a day's one-time campaigns with their
	// actions.
	//
	// Function GetCustomerOneTimeActionsByDate. Access: Admin and Transactional keys.
	OneTimeActionsByDate *List[OneTimeByDate, CustomerAction]
	// ByAction lists the customers who got an action on a day.
	//
	// Function GetCustomersByAction. Access: Admin and Transactional keys.
	ByAction *List[ByAction, Customer]
	// ActionEndedByDate lists the customers whose action ended on a day.
	//
	// Function GetCustomersActionEndedByDate. Access: Admin and Transactional keys.
	ActionEndedByDate *List[ByDate, PastAction]
	// ActionDetailsByDate lists the customers who got any action on a day.
	//
	// Function GetCustomerActionDetailsByDate. Access: Admin and Transactional keys.
	ActionDetailsByDate *List[ByDate, CustomerAction]
	// SendDetailsByCampaign lists the messages of a campaign.
	//
	// Function GetCustomerSendDetailsByCampaign. Access: Admin and Transactional keys.
	SendDetailsByCampaign *List[SendsByCampaign, CustomerSend]
	// SendDetailsByChannel lists the messages of a campaign on one channel.
	//
	// Function GetCustomerSendDetailsByChannel. Access: Admin and Transactional keys.
	SendDetailsByChannel *List[SendsByChannel, CustomerSend]
	// ExecutionDetailsByCampaign lists the customers that a campaign reached on one channel.
	//
	// Function GetCustomerExecutionDetailsByCampaign. Access: Admin and Transactional keys.
	ExecutionDetailsByCampaign *List[SendsByChannel, CustomerExecution]
	// FutureValues lists the expected future values of customers.
	//
	// Function GetCustomerFutureValues. Access: Admin and Transactional keys.
	FutureValues *List[FutureValues, FutureValue]
	// AttributeChangers lists the customers whose attribute changed since the day before.
	//
	// Function GetCustomerAttributeChangers. Access: Admin and Transactional keys.
	AttributeChangers *List[AttributeChangers, AttributeChanger]

	client *keyfit.Client
}

func newCustomers(c *keyfit.Client) *CustomersService {
	const group = "/current/customers/"
	return &CustomersService{
		CurrentlyTargeted:          newList[Window, TargetedCustomer](c, group+"GetCurrentlyTargetedCustomers"),
		CanceledCampaign:           newList[ByCampaign, CanceledCustomer](c, group+"GetCanceledCampaignCustomers"),
		ActionsByTargetGroup:       newList[ByTargetGroup, CustomerAction](c, group+"GetCustomerActionsByTargetGroup"),
		OneTimeActionsByCampaign:   newList[OneTimeByCampaign, CustomerAction](c, group+"GetCustomerOneTimeActionsByCampaign"),
		OneTimeActionsByDate:       newList[OneTimeByDate, CustomerAction](c, group+"GetCustomerOneTimeActionsByDate"),
		ByAction:                   newList[ByAction, Customer](c, group+"GetCustomersByAction"),
		ActionEndedByDate:          newList[ByDate, PastAction](c, group+"GetCustomersActionEndedByDate"),
		ActionDetailsByDate:        newList[ByDate, CustomerAction](c, group+"GetCustomerActionDetailsByDate"),
		SendDetailsByCampaign:      newList[SendsByCampaign, CustomerSend](c, group+"GetCustomerSendDetailsByCampaign"),
		SendDetailsByChannel:       newList[SendsByChannel, CustomerSend](c, group+"GetCustomerSendDetailsByChannel"),
		ExecutionDetailsByCampaign: newList[SendsByChannel, CustomerExecution](c, group+"GetCustomerExecutionDetailsByCampaign"),
		FutureValues:               newList[FutureValues, FutureValue](c, group+"GetCustomerFutureValues"),
		AttributeChangers:          newList[AttributeChangers, AttributeChanger](c, group+"GetCustomerAttributeChangers"),
		client:                     c,
	}
}

// LastAction returns the last action of a customer. If there is none, the error is
// [keyfit.ErrNotFound].
//
// Function GetCustomerLastActionExecuted. Access: Admin and Transactional keys.
func (s *CustomersService) LastAction(ctx context.Context, customer string, opts ...keyfit.CallOption) (PastAction, error) {
	return get[PastAction](ctx, s.client, "/current/customers/GetCustomerLastActionExecuted", new(params).text("CustomerID", customer), opts)
}

// ByCampaign selects by campaign.
type ByCampaign struct {
	CampaignID ID // required
	Window
}

func (q ByCampaign) params() *params { return new(params).id("CampaignID", q.CampaignID) }

// ByDate selects by day.
type ByDate struct {
	Date Date // required
	Window
}

func (q ByDate) params() *params { return new(params).date(q.Date) }

// ByTargetGroup selects by target group and day.
type ByTargetGroup struct {
	TargetGroupID           ID       // required
	Date                    Date     // required
	ChannelID               ID       // 0: all channels
	IncludeControlGroup     bool     // include the control group
	IncludeRecipientGroupID bool     // set RecipientGroupID in the rows
	Attributes              []string // customer attributes to include
	Window
}

func (q ByTargetGroup) params() *params {
	return new(params).id("TargetGroupID", q.TargetGroupID).date(q.Date).optional("ChannelID", q.ChannelID).
		flag("IncludeControlGroup", q.IncludeControlGroup).flag("IncludeRecipientGroupID", q.IncludeRecipientGroupID).names(q.Attributes)
}

// OneTimeByCampaign selects the actions of a one-time campaign.
type OneTimeByCampaign struct {
	CampaignID          ID       // required
	ChannelID           ID       // 0: all channels
	IncludeControlGroup bool     // include the control group
	Attributes          []string // customer attributes to include
	Window
}

func (q OneTimeByCampaign) params() *params {
	return new(params).id("CampaignID", q.CampaignID).optional("ChannelID", q.ChannelID).
		flag("IncludeControlGroup", q.IncludeControlGroup).names(q.Attributes)
}

// OneTimeByDate selects the actions of a day's one-time campaigns.
type OneTimeByDate struct {
	Date                Date     // required
	ChannelID           ID       // 0: all channels
	IncludeControlGroup bool     // include the control group
	Attributes          []string // customer attributes to include
	Window
}

func (q OneTimeByDate) params() *params {
	return new(params).date(q.Date).optional("ChannelID", q.ChannelID).
		flag("IncludeControlGroup", q.IncludeControlGroup).names(q.Attributes)
}

// ByAction selects by recipient group, action and day.
type ByAction struct {
	RecipientGroupID ID       // required
	ActionID         ID       // required
	Date             Date     // required
	Attributes       []string // customer attributes to include
	Window
}

func (q ByAction) params() *params {
	return new(params).id("RecipientGroupID", q.RecipientGroupID).id("ActionID", q.ActionID).date(q.Date).names(q.Attributes)
}

// SendsByCampaign selects the messages of a campaign.
type SendsByCampaign struct {
	CampaignID         ID   // required
	IncludeTemplateIDs bool // set TemplateID in the rows
	Window
}

func (q SendsByCampaign) params() *params {
	return new(params).id("CampaignID", q.CampaignID).flag("IncludeTemplateIDs", q.IncludeTemplateIDs)
}

// SendsByChannel selects the messages of a campaign on one channel.
type SendsByChannel struct {
	ChannelID  ID       // required
	CampaignID ID       // required
	Attributes []string // customer attributes to include
	Window
}

func (q SendsByChannel) params() *params {
	return new(params).id("ChannelID", q.ChannelID).id("CampaignID", q.CampaignID).names(q.Attributes)
}

// FutureValues selects customers either by lifecycle stages or by the value of an attribute.
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
			p.fail("LifecycleStageIDs must all be 1 or more")
		}
	}
	return p.set("LifecycleStageID", strings.Join(stages, ","))
}

// AttributeChangers selects the customers with a changed attribute.
type AttributeChangers struct {
	Changed    string   // the changed attribute; required
	Attributes []string // customer attributes to include
	Window
}

func (q AttributeChangers) params() *params {
	return new(params).text("ChangedCustomerAttribute", q.Changed).names(q.Attributes)
}
