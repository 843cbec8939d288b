package optimove

import (
	"context"

	"github.com/keyfit/keyfit"
)

// ActionsService calls the functions of the group actions.
type ActionsService struct{ client *keyfit.Client }

// List returns all actions.
//
// Function GetAllActions. Access: every key.
func (s *ActionsService) List(ctx context.Context, opts ...keyfit.CallOption) ([]Action, error) {
	return rows[Action](ctx, s.client, "/current/actions/GetAllActions", new(params), opts)
}

// ID returns the ID of the action with a name. If there is none, the error is
// [keyfit.ErrNotFound].
//
// Function GetActionID. Access: every key.
func (s *ActionsService) ID(ctx context.Context, name string, opts ...keyfit.CallOption) (ID, error) {
	answer, err := get[Action](ctx, s.client, "/current/actions/GetActionID", new(params).text("ActionName", name), opts)
	return answer.ActionID, err
}

// Name returns the name of the action with an ID. If there is none, the error is
// [keyfit.ErrNotFound].
//
// Function GetActionName. Access: every key.
func (s *ActionsService) Name(ctx context.Context, action ID, opts ...keyfit.CallOption) (string, error) {
	answer, err := get[Action](ctx, s.client, "/current/actions/GetActionName", new(params).id("ActionID", action), opts)
	return answer.ActionName, err
}

// ByTargetGroup returns the actions of a target group on a day, by recipient group.
//
// Function GetActionsByTargetGroup. Access: every key.
func (s *ActionsService) ByTargetGroup(ctx context.Context, group ID, day Date, opts ...keyfit.CallOption) ([]GroupAction, error) {
	return rows[GroupAction](ctx, s.client, "/current/actions/GetActionsByTargetGroup", new(params).id("TargetGroupID", group).date(day), opts)
}

// DetailsByTargetGroup returns the actions of a target group on a day, with duration and
// channels.
//
// Function GetActionDetailsByTargetGroup. Access: every key.
func (s *ActionsService) DetailsByTargetGroup(ctx context.Context, group ID, day Date, opts ...keyfit.CallOption) ([]GroupAction, error) {
	return rows[GroupAction](ctx, s.client, "/current/actions/GetActionDetailsByTargetGroup", new(params).id("TargetGroupID", group).date(day), opts)
}

// PromoCodes returns the promo codes of a day.
//
// Function GetPromoCodes. Access: every key.
func (s *ActionsService) PromoCodes(ctx context.Context, day Date, opts ...keyfit.CallOption) ([]PromoCode, error) {
	return rows[PromoCode](ctx, s.client, "/current/actions/GetPromoCodes", new(params).date(day), opts)
}

// PromoCodesByCampaign returns the promo codes of a campaign.
//
// Function GetPromoCodesByCampaign. Access: every key.
func (s *ActionsService) PromoCodesByCampaign(ctx context.Context, campaign ID, opts ...keyfit.CallOption) ([]PromoCode, error) {
	return rows[PromoCode](ctx, s.client, "/current/actions/GetPromoCodesByCampaign", new(params).id("CampaignID", campaign), opts)
}

// PromoCodesByTargetGroup returns the promo codes of a target group on a day.
//
// Function GetPromoCodesByTargetGroup. Access: every key.
func (s *ActionsService) PromoCodesByTargetGroup(ctx context.Context, group ID, day Date, opts ...keyfit.CallOption) ([]PromoCode, error) {
	return rows[PromoCode](ctx, s.client, "/current/actions/GetPromoCodesByTargetGroup", new(params).id("TargetGroupID", group).date(day), opts)
}

// Campaigns returns the campaigns that were executed on a day.
//
// Function GetExecutedCampaignDetails. Access: every key.
func (s *ActionsService) Campaigns(ctx context.Context, day Date, opts ...keyfit.CallOption) ([]Campaign, error) {
	return rows[Campaign](ctx, s.client, "/current/actions/GetExecutedCampaignDetails", new(params).date(day), opts)
}

// Campaign returns one campaign. If it does not exist, the error is [keyfit.ErrNotFound]. The
// method sets CampaignID, which Optimove does not include in the response.
//
// Function GetCampaignDetails. Access: every key.
func (s *ActionsService) Campaign(ctx context.Context, campaign ID, opts ...keyfit.CallOption) (Campaign, error) {
	answer, err := get[Campaign](ctx, s.client, "/current/actions/GetCampaignDetails", new(params).id("CampaignID", campaign), opts)
	if err == nil && answer.CampaignID == 0 {
		answer.CampaignID = campaign
	}
	return answer, err
}

// CampaignsByChannel returns the campaigns that a channel executed on a day. Only CampaignID
// is set.
//
// Function GetExecutedCampaignsByChannel. Access: every key.
func (s *ActionsService) CampaignsByChannel(ctx context.Context, channel ID, day Date, opts ...keyfit.CallOption) ([]Campaign, error) {
	return rows[Campaign](ctx, s.client, "/current/actions/GetExecutedCampaignsByChannel", new(params).id("ChannelID", channel).date(day), opts)
}

// CampaignChannel returns the details of a channel in a campaign. If the campaign did not
// use it, the error is [keyfit.ErrNotFound]; if it used several templates there, the error
// says so, and [ActionsService.CampaignChannels] returns them all.
//
// Function GetExecutedCampaignChannelDetails. Access: every key.
func (s *ActionsService) CampaignChannel(ctx context.Context, campaign, channel ID, opts ...keyfit.CallOption) (CampaignChannel, error) {
	p := new(params).id("CampaignID", campaign).id("ChannelID", channel)
	return get[CampaignChannel](ctx, s.client, "/current/actions/GetExecutedCampaignChannelDetails", p, opts)
}

// CampaignChannels returns the details of every use of a channel in a campaign; nil if the
// campaign did not use it.
//
// Function GetExecutedCampaignChannelDetails. Access: every key.
func (s *ActionsService) CampaignChannels(ctx context.Context, campaign, channel ID, opts ...keyfit.CallOption) ([]CampaignChannel, error) {
	p := new(params).id("CampaignID", campaign).id("ChannelID", channel)
	items, err := read[either[CampaignChannel]](ctx, s.client, "/current/actions/GetExecutedCampaignChannelDetails", p, opts)
	if isNoData(err) {
		return nil, nil
	}
	return items, err
}

// Channels returns the channels that execute campaigns.
//
// Function GetExecutionChannels. Access: every key.
func (s *ActionsService) Channels(ctx context.Context, opts ...keyfit.CallOption) ([]Channel, error) {
	return rows[Channel](ctx, s.client, "/current/actions/GetExecutionChannels", new(params), opts)
}
